/**
 * Ingresses, endpoint slices, leases, priority classes, and the events of events.k8s.io, in the form that {@link parseMessages} reads.
 * A message that has its name in common with one of the core group is renamed: the events start with Events, EndpointPort is EndpointSlicePort.
 *
 * Source: the published .proto definitions of the Kubernetes API, for names, numbers and types.
 */
export const networkMessages = `
HTTPIngressPath: 1 path string, 3 pathType string?, 2 backend IngressBackend
HTTPIngressRuleValue: 1 paths HTTPIngressPath[]
IPBlock: 1 cidr string, 2 except string[]
Ingress: 1 metadata ObjectMeta, 2 spec IngressSpec, 3 status IngressStatus
IngressBackend: 4 service IngressServiceBackend?, 3 resource TypedLocalObjectReference?
IngressClass: 1 metadata ObjectMeta, 2 spec IngressClassSpec
IngressClassParametersReference: 1 apiGroup string?, 2 kind string, 3 name string, 4 scope string?, 5 namespace
  string?
IngressClassSpec: 1 controller string, 2 parameters IngressClassParametersReference?
IngressLoadBalancerIngress: 1 ip string, 2 hostname string, 4 ports IngressPortStatus[]
IngressLoadBalancerStatus: 1 ingress IngressLoadBalancerIngress[]
IngressPortStatus: 1 port int, 2 protocol string, 3 error string?
IngressRule: 1 host string, 2 ... IngressRuleValue
IngressRuleValue: 1 http HTTPIngressRuleValue?
IngressServiceBackend: 1 name string, 2 port ServiceBackendPort
IngressSpec: 4 ingressClassName string?, 1 defaultBackend IngressBackend?, 2 tls IngressTLS[], 3 rules IngressRule[]
IngressStatus: 1 loadBalancer IngressLoadBalancerStatus
IngressTLS: 1 hosts string[], 2 secretName string
NetworkPolicy: 1 metadata ObjectMeta, 2 spec NetworkPolicySpec
NetworkPolicyEgressRule: 1 ports NetworkPolicyPort[], 2 to NetworkPolicyPeer[]
NetworkPolicyIngressRule: 1 ports NetworkPolicyPort[], 2 from NetworkPolicyPeer[]
NetworkPolicyPeer: 1 podSelector LabelSelector?, 2 namespaceSelector LabelSelector?, 3 ipBlock IPBlock?
NetworkPolicyPort: 1 protocol string?, 2 port IntOrString?, 3 endPort int?
NetworkPolicySpec: 1 podSelector LabelSelector, 2 ingress NetworkPolicyIngressRule[], 3 egress
  NetworkPolicyEgressRule[], 4 policyTypes string[]
ServiceBackendPort: 1 name string, 2 number int
Endpoint: 1 addresses string[], 2 conditions EndpointConditions, 3 hostname string?, 4 targetRef ObjectReference?, 5
  deprecatedTopology {string}, 6 nodeName string?, 7 zone string?, 8 hints EndpointHints?
EndpointConditions: 1 ready bool?, 2 serving bool?, 3 terminating bool?
EndpointHints: 1 forZones ForZone[], 2 forNodes ForNode[]
EndpointSlice: 1 metadata ObjectMeta, 4 addressType string, 2 endpoints Endpoint[], 3 ports EndpointSlicePort[]
EndpointSlicePort: 1 name string?, 2 protocol string?, 3 port int?, 4 appProtocol string?
ForNode: 1 name string
ForZone: 1 name string
Lease: 1 metadata ObjectMeta, 2 spec LeaseSpec
LeaseSpec: 1 holderIdentity string?, 2 leaseDurationSeconds int?, 3 acquireTime MicroTime?, 4 renewTime MicroTime?,
  5 leaseTransitions int?, 6 strategy string?, 7 preferredHolder string?
EventsEvent: 1 metadata ObjectMeta, 2 eventTime MicroTime, 3 series EventsEventSeries?, 4 reportingController
  string, 5 reportingInstance string, 6 action string, 7 reason string, 8 regarding ObjectReference, 9 related
  ObjectReference?, 10 note string, 11 type string, 12 deprecatedSource EventSource, 13 deprecatedFirstTimestamp
  Time, 14 deprecatedLastTimestamp Time, 15 deprecatedCount int
EventsEventSeries: 1 count int, 2 lastObservedTime MicroTime
PriorityClass: 1 metadata ObjectMeta, 2 value int, 3 globalDefault bool, 4 description string, 5 preemptionPolicy
  string?
`;
