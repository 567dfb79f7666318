{{- define "serin.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "serin.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "serin.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "serin.selectorLabels" -}}
app.kubernetes.io/name: {{ include "serin.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "serin.labels" -}}
{{ include "serin.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "serin.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "serin.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* Where the lease lives. The operator takes its own namespace flag before the one of the lease. */}}
{{- define "serin.leaseNamespace" -}}
{{- default .Release.Namespace .Values.namespace -}}
{{- end -}}

{{/* The Secret with the variables that hold URLs with credentials; empty when there is none. */}}
{{- define "serin.secretName" -}}
{{- if .Values.existingSecret -}}
{{- .Values.existingSecret -}}
{{- else if or .Values.eventWebhook .Values.slack.url .Values.slack.proxyUrl .Values.msteams.url .Values.msteams.proxyUrl -}}
{{- include "serin.fullname" . -}}
{{- end -}}
{{- end -}}

{{/* The rules of the operator, as a YAML list. Source: files/rbac.yaml. */}}
{{- define "serin.rules" -}}
{{- $facts := .Files.Get "files/rbac.yaml" | fromYaml -}}
{{- $rules := $facts.core -}}
{{- if .Values.configTracking.enabled }}{{ $rules = concat $rules $facts.configTracking }}{{ end -}}
{{- if .Values.rbac.keda }}{{ $rules = concat $rules $facts.keda }}{{ end -}}
{{- if .Values.rbac.externalMetrics }}{{ $rules = concat $rules $facts.externalMetrics }}{{ end -}}
{{- $names := list -}}
{{- range prepend .Values.rbac.additionalProviders (default "istio" .Values.meshProvider) -}}
{{- $names = append $names (splitList ":" . | first) -}}
{{- end -}}
{{- range uniq $names -}}
{{- if not (hasKey $facts.providers .) -}}
{{- fail (printf "meshProvider: %q is unknown; write one of %s" . (keys $facts.providers | sortAlpha | join ", ")) -}}
{{- end -}}
{{- $rules = concat $rules (get $facts.providers .) -}}
{{- end -}}
{{- toYaml $rules -}}
{{- end -}}

{{/* Values of Flagger's chart that would be accepted and then do something else than their user expects. */}}
{{- define "serin.refuse" -}}
{{- if regexMatch "(^|/)(fluxcd|weaveworks)/flagger$" .Values.image.repository -}}
{{- fail (printf "image.repository: %q is Flagger's image; set it to the Serin image that you built from the Dockerfile" .Values.image.repository) -}}
{{- end -}}
{{- if dig "prometheus" "install" false .Values.AsMap -}}
{{- fail "prometheus.install: this chart installs no Prometheus; set it to false, and metricsServer to the address of yours" -}}
{{- end -}}
{{- if dig "controlplane" "kubeconfig" "secretName" "" .Values.AsMap -}}
{{- fail "controlplane.kubeconfig.secretName: Serin routes on the cluster that it runs against; install it on the cluster with the mesh's control plane and leave this empty" -}}
{{- end -}}
{{- if dig "linkerdAuthPolicy" "create" false .Values.AsMap -}}
{{- fail "linkerdAuthPolicy.create: this chart makes no Linkerd policy; apply an AuthorizationPolicy for its service account yourself and set this to false" -}}
{{- end -}}
{{- if and (not .Values.leaderElection.enabled) (gt (int .Values.leaderElection.replicaCount) 1) -}}
{{- fail (printf "leaderElection.replicaCount: %d operators need leaderElection.enabled=true; two must not work on the same Canary" (int .Values.leaderElection.replicaCount)) -}}
{{- end -}}
{{- end -}}
