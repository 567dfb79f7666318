/**
 * Workloads and their scaling: apps/v1, batch/v1, autoscaling/v1 (names end in V1), autoscaling/v2, policy/v1, in the form that {@link parseMessages} reads.
 *
 * Source: the published .proto definitions of the Kubernetes API, for names, numbers and types.
 */
export const workloadMessages = `
DaemonSet: 1 metadata ObjectMeta, 2 spec DaemonSetSpec, 3 status DaemonSetStatus
DaemonSetCondition: 1 type string, 2 status string, 3 lastTransitionTime Time, 4 reason string, 5 message string
DaemonSetSpec: 1 selector LabelSelector?, 2 template PodTemplateSpec, 3 updateStrategy DaemonSetUpdateStrategy, 4
  minReadySeconds int, 6 revisionHistoryLimit int?
DaemonSetStatus: 1 currentNumberScheduled int, 2 numberMisscheduled int, 3 desiredNumberScheduled int, 4 numberReady
  int, 5 observedGeneration int, 6 updatedNumberScheduled int, 7 numberAvailable int, 8 numberUnavailable int, 9
  collisionCount int?, 10 conditions DaemonSetCondition[]
DaemonSetUpdateStrategy: 1 type string, 2 rollingUpdate RollingUpdateDaemonSet?
Deployment: 1 metadata ObjectMeta, 2 spec DeploymentSpec, 3 status DeploymentStatus
DeploymentCondition: 1 type string, 2 status string, 6 lastUpdateTime Time, 7 lastTransitionTime Time, 4 reason
  string, 5 message string
DeploymentSpec: 1 replicas int?, 2 selector LabelSelector?, 3 template PodTemplateSpec, 4 strategy
  DeploymentStrategy, 5 minReadySeconds int, 6 revisionHistoryLimit int?, 7 paused bool, 9 progressDeadlineSeconds
  int?
DeploymentStatus: 1 observedGeneration int, 2 replicas int, 3 updatedReplicas int, 7 readyReplicas int, 4
  availableReplicas int, 5 unavailableReplicas int, 6 conditions DeploymentCondition[], 8 collisionCount int?, 9
  terminatingReplicas int?
DeploymentStrategy: 1 type string, 2 rollingUpdate RollingUpdateDeployment?
ReplicaSet: 1 metadata ObjectMeta, 2 spec ReplicaSetSpec, 3 status ReplicaSetStatus
ReplicaSetCondition: 1 type string, 2 status string, 3 lastTransitionTime Time, 4 reason string, 5 message string
ReplicaSetSpec: 1 replicas int?, 4 minReadySeconds int, 2 selector LabelSelector?, 3 template PodTemplateSpec
ReplicaSetStatus: 1 replicas int, 2 fullyLabeledReplicas int, 4 readyReplicas int, 5 availableReplicas int, 3
  observedGeneration int, 6 conditions ReplicaSetCondition[], 7 terminatingReplicas int?
RollingUpdateDaemonSet: 1 maxUnavailable IntOrString?, 2 maxSurge IntOrString?
RollingUpdateDeployment: 1 maxUnavailable IntOrString?, 2 maxSurge IntOrString?
RollingUpdateStatefulSetStrategy: 1 partition int?, 2 maxUnavailable IntOrString?
StatefulSet: 1 metadata ObjectMeta, 2 spec StatefulSetSpec, 3 status StatefulSetStatus
StatefulSetCondition: 1 type string, 2 status string, 3 lastTransitionTime Time, 4 reason string, 5 message string
StatefulSetOrdinals: 1 start int
StatefulSetPersistentVolumeClaimRetentionPolicy: 1 whenDeleted string, 2 whenScaled string
StatefulSetSpec: 1 replicas int?, 2 selector LabelSelector?, 3 template PodTemplateSpec, 4 volumeClaimTemplates
  PersistentVolumeClaim[], 5 serviceName string, 6 podManagementPolicy string, 7 updateStrategy
  StatefulSetUpdateStrategy, 8 revisionHistoryLimit int?, 9 minReadySeconds int, 10
  persistentVolumeClaimRetentionPolicy StatefulSetPersistentVolumeClaimRetentionPolicy?, 11 ordinals
  StatefulSetOrdinals?
StatefulSetStatus: 1 observedGeneration int, 2 replicas int, 3 readyReplicas int, 4 currentReplicas int, 5
  updatedReplicas int, 6 currentRevision string, 7 updateRevision string, 9 collisionCount int?, 10 conditions
  StatefulSetCondition[], 11 availableReplicas int
StatefulSetUpdateStrategy: 1 type string, 2 rollingUpdate RollingUpdateStatefulSetStrategy?
CronJob: 1 metadata ObjectMeta, 2 spec CronJobSpec, 3 status CronJobStatus
CronJobSpec: 1 schedule string, 8 timeZone string?, 2 startingDeadlineSeconds int?, 3 concurrencyPolicy string, 4
  suspend bool?, 5 jobTemplate JobTemplateSpec, 6 successfulJobsHistoryLimit int?, 7 failedJobsHistoryLimit int?
CronJobStatus: 1 active ObjectReference[], 4 lastScheduleTime Time?, 5 lastSuccessfulTime Time?
Job: 1 metadata ObjectMeta, 2 spec JobSpec, 3 status JobStatus
JobCondition: 1 type string, 2 status string, 3 lastProbeTime Time, 4 lastTransitionTime Time, 5 reason string, 6
  message string
JobSpec: 1 parallelism int?, 2 completions int?, 3 activeDeadlineSeconds int?, 11 podFailurePolicy
  PodFailurePolicy?, 16 successPolicy SuccessPolicy?, 7 backoffLimit int?, 12 backoffLimitPerIndex int?, 13
  maxFailedIndexes int?, 4 selector LabelSelector?, 5 manualSelector bool?, 6 template PodTemplateSpec, 8
  ttlSecondsAfterFinished int?, 9 completionMode string?, 10 suspend bool?, 14 podReplacementPolicy string?, 15
  managedBy string?
JobStatus: 1 conditions JobCondition[], 2 startTime Time?, 3 completionTime Time?, 4 active int, 5 succeeded int, 6
  failed int, 11 terminating int?, 7 completedIndexes string, 10 failedIndexes string?, 8 uncountedTerminatedPods
  UncountedTerminatedPods?, 9 ready int?
JobTemplateSpec: 1 metadata ObjectMeta, 2 spec JobSpec
PodFailurePolicy: 1 rules PodFailurePolicyRule[]
PodFailurePolicyOnExitCodesRequirement: 1 containerName string?, 2 operator string, 3 values int[]
PodFailurePolicyOnPodConditionsPattern: 1 type string, 2 status string
PodFailurePolicyRule: 1 action string, 2 onExitCodes PodFailurePolicyOnExitCodesRequirement?, 3 onPodConditions
  PodFailurePolicyOnPodConditionsPattern[]
SuccessPolicy: 1 rules SuccessPolicyRule[]
SuccessPolicyRule: 1 succeededIndexes string?, 2 succeededCount int?
UncountedTerminatedPods: 1 succeeded string[], 2 failed string[]
CrossVersionObjectReferenceV1: 1 kind string, 2 name string, 3 apiVersion string
HorizontalPodAutoscalerSpecV1: 1 scaleTargetRef CrossVersionObjectReferenceV1, 2 minReplicas int?, 3 maxReplicas
  int, 4 targetCPUUtilizationPercentage int?
HorizontalPodAutoscalerStatusV1: 1 observedGeneration int?, 2 lastScaleTime Time?, 3 currentReplicas int, 4
  desiredReplicas int, 5 currentCPUUtilizationPercentage int?
HorizontalPodAutoscalerV1: 1 metadata ObjectMeta, 2 spec HorizontalPodAutoscalerSpecV1, 3 status
  HorizontalPodAutoscalerStatusV1
ScaleSpecV1: 1 replicas int
ScaleStatusV1: 1 replicas int, 2 selector string
ScaleV1: 1 metadata ObjectMeta, 2 spec ScaleSpecV1, 3 status ScaleStatusV1
ContainerResourceMetricSource: 1 name string, 2 target MetricTarget, 3 container string
ContainerResourceMetricStatus: 1 name string, 2 current MetricValueStatus, 3 container string
CrossVersionObjectReference: 1 kind string, 2 name string, 3 apiVersion string
ExternalMetricSource: 1 metric MetricIdentifier, 2 target MetricTarget
ExternalMetricStatus: 1 metric MetricIdentifier, 2 current MetricValueStatus
HPAScalingPolicy: 1 type string, 2 value int, 3 periodSeconds int
HPAScalingRules: 3 stabilizationWindowSeconds int?, 1 selectPolicy string?, 2 policies HPAScalingPolicy[], 4
  tolerance Quantity?
HorizontalPodAutoscaler: 1 metadata ObjectMeta, 2 spec HorizontalPodAutoscalerSpec, 3 status
  HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerBehavior: 1 scaleUp HPAScalingRules?, 2 scaleDown HPAScalingRules?
HorizontalPodAutoscalerCondition: 1 type string, 2 status string, 3 lastTransitionTime Time, 4 reason string, 5
  message string
HorizontalPodAutoscalerSpec: 1 scaleTargetRef CrossVersionObjectReference, 2 minReplicas int?, 3 maxReplicas int, 4
  metrics MetricSpec[], 5 behavior HorizontalPodAutoscalerBehavior?
HorizontalPodAutoscalerStatus: 1 observedGeneration int?, 2 lastScaleTime Time?, 3 currentReplicas int, 4
  desiredReplicas int, 5 currentMetrics MetricStatus[], 6 conditions HorizontalPodAutoscalerCondition[]
MetricIdentifier: 1 name string, 2 selector LabelSelector?
MetricSpec: 1 type string, 2 object ObjectMetricSource?, 3 pods PodsMetricSource?, 4 resource ResourceMetricSource?,
  7 containerResource ContainerResourceMetricSource?, 5 external ExternalMetricSource?
MetricStatus: 1 type string, 2 object ObjectMetricStatus?, 3 pods PodsMetricStatus?, 4 resource
  ResourceMetricStatus?, 7 containerResource ContainerResourceMetricStatus?, 5 external ExternalMetricStatus?
MetricTarget: 1 type string, 2 value Quantity?, 3 averageValue Quantity?, 4 averageUtilization int?
MetricValueStatus: 1 value Quantity?, 2 averageValue Quantity?, 3 averageUtilization int?
ObjectMetricSource: 1 describedObject CrossVersionObjectReference, 2 target MetricTarget, 3 metric MetricIdentifier
ObjectMetricStatus: 1 metric MetricIdentifier, 2 current MetricValueStatus, 3 describedObject
  CrossVersionObjectReference
PodsMetricSource: 1 metric MetricIdentifier, 2 target MetricTarget
PodsMetricStatus: 1 metric MetricIdentifier, 2 current MetricValueStatus
ResourceMetricSource: 1 name string, 2 target MetricTarget
ResourceMetricStatus: 1 name string, 2 current MetricValueStatus
Eviction: 1 metadata ObjectMeta, 2 deleteOptions DeleteOptions?
PodDisruptionBudget: 1 metadata ObjectMeta, 2 spec PodDisruptionBudgetSpec, 3 status PodDisruptionBudgetStatus
PodDisruptionBudgetSpec: 1 minAvailable IntOrString?, 2 selector LabelSelector?, 3 maxUnavailable IntOrString?, 4
  unhealthyPodEvictionPolicy string?
PodDisruptionBudgetStatus: 1 observedGeneration int, 2 disruptedPods {Time}, 3 disruptionsAllowed int, 4
  currentHealthy int, 5 desiredHealthy int, 6 expectedPods int, 7 conditions Condition[]
`;
