{{- define "ecqx.labels" -}}
app.kubernetes.io/part-of: ecqx
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "ecqx.selector" -}}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "ecqx.name" -}}
{{ .root.Release.Name }}-{{ .component }}
{{- end }}

{{- /* Cluster-scoped objects carry the namespace too: two releases must not share them by accident. */}}
{{- define "ecqx.clusterName" -}}
{{ .root.Release.Namespace }}-{{ .root.Release.Name }}-{{ .component }}
{{- end }}

{{- define "ecqx.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}

{{- define "ecqx.pbxImage" -}}
{{ .Values.pbx.image.repository }}:{{ default .Chart.AppVersion .Values.pbx.image.tag }}
{{- end }}

{{- define "ecqx.settings" -}}
{{- $settings := dict }}
{{- range $key, $value := .Values.settings }}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $settings $key $value }}{{ end }}
{{- end }}
{{- toPrettyJson $settings }}
{{- end }}

{{- define "ecqx.bridgeConfig" -}}
{{- $config := dict "shop" .Values.bridge.shop }}
{{- range $key := list "skus" "trialPaymentMethods" "deviceMetaKeys" }}
{{- $value := index $.Values.bridge $key }}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $config $key $value }}{{ end }}
{{- end }}
{{- toPrettyJson $config }}
{{- end }}

{{- define "ecqx.bridgeSecret" -}}
{{ default (printf "%s-bridge" .Release.Name) .Values.bridge.existingSecret }}
{{- end }}

{{- define "ecqx.nameServers" -}}
{{- $servers := list }}
{{- range .Values.dns.nameServers }}
{{- $servers = append $servers (ternary (printf "%s=%s" .name (join "," .addresses)) .name (gt (len (default list .addresses)) 0)) }}
{{- end }}
{{- if and (not $servers) (or .Values.dns.service.loadBalancerIP .Values.dns.service.clusterIP) }}
{{- $servers = list (printf "ns1=%s" (default .Values.dns.service.clusterIP .Values.dns.service.loadBalancerIP)) }}
{{- end }}
{{- if not $servers }}
{{- $servers = list "ns1" }}
{{- end }}
{{- join " " $servers }}
{{- end }}

{{- define "ecqx.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "ecqx.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "ecqx.probes" -}}
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 2
livenessProbe:
  httpGet: { path: /livez, port: http }
  periodSeconds: 10
  failureThreshold: 3
{{- end }}

{{- /* A service account, bound to a cluster role and, where the template "<component>.role" is given, to a role. */}}
{{- define "ecqx.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "ecqx.name" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "ecqx.labels" . | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ include "ecqx.clusterName" . }}
  labels: {{- include "ecqx.labels" . | nindent 4 }}
rules: {{- .clusterRules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ include "ecqx.clusterName" . }}
  labels: {{- include "ecqx.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ include "ecqx.clusterName" . }}
subjects:
  - kind: ServiceAccount
    name: {{ include "ecqx.name" . }}
    namespace: {{ .root.Release.Namespace }}
{{- with .rules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ include "ecqx.name" $ }}
  namespace: {{ $.root.Release.Namespace }}
  labels: {{- include "ecqx.labels" $ | nindent 4 }}
rules: {{- . | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ include "ecqx.name" $ }}
  namespace: {{ $.root.Release.Namespace }}
  labels: {{- include "ecqx.labels" $ | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ include "ecqx.name" $ }}
subjects:
  - kind: ServiceAccount
    name: {{ include "ecqx.name" $ }}
    namespace: {{ $.root.Release.Namespace }}
{{- end }}
{{- end }}
