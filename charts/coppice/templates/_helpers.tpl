{{/* Name of the application. */}}
{{- define "coppice.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Prefix of every name. 40 characters leave room for the longest suffix within 63. */}}
{{- define "coppice.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "coppice.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "coppice.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name: name the existing service account, or set serviceAccount.create to true" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "coppice.selectorLabels" -}}
app.kubernetes.io/name: {{ include "coppice.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "coppice.labels" -}}
{{ include "coppice.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: coppice
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* An image's reference; a digest wins over a tag. Call with (dict "image" <values> "context" $). */}}
{{- define "coppice.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ default .context.Chart.AppVersion .image.tag }}
{{- end }}
{{- end }}

{{/* What Pod Security "restricted" asks of a pod. */}}
{{- define "coppice.podSecurityContext" -}}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* What Pod Security "restricted" asks of a container, and a read-only root. */}}
{{- define "coppice.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Sources of carbon intensity as the operator reads them: a Secret's name becomes its directory. */}}
{{- define "coppice.intensityProviders" -}}
{{- $providers := list }}
{{- range .Values.intensity.providers }}
{{- $provider := omit . "secretName" }}
{{- with .secretName }}
{{- $provider = set $provider "credentials" (printf "/etc/coppice-secrets/%s" .) }}
{{- end }}
{{- $providers = append $providers $provider }}
{{- end }}
{{- toYaml (dict "providers" $providers) }}
{{- end }}

{{/* Names of Secrets that the operator's pod mounts, each once, as a YAML list. */}}
{{- define "coppice.secretNames" -}}
{{- $names := list }}
{{- range .Values.intensity.providers }}
{{- with .secretName }}
{{- $names = append $names . }}
{{- end }}
{{- end }}
{{- with .Values.meters.prometheus.secretName }}
{{- $names = append $names . }}
{{- end }}
{{- toYaml (uniq $names) }}
{{- end }}

{{/*
Annotations of our own kinds' objects.

Helm maps a whole release to API resources before it creates anything, so objects of a kind whose definition comes
with the same release cannot be part of it on the first installation. There they are made as hooks, after the
definitions; once the cluster serves the kind they are ordinary objects. The ownership annotations let the next
upgrade adopt what the hook made. Call with (dict "kind" <kind> "annotations" <dict> "context" $).
*/}}
{{- define "coppice.dataAnnotations" -}}
{{- $annotations := deepCopy (default dict .annotations) }}
{{- if not (.context.Capabilities.APIVersions.Has (printf "coppice.dev/v1alpha1/%s" .kind)) }}
{{- $_ := set $annotations "meta.helm.sh/release-name" .context.Release.Name }}
{{- $_ := set $annotations "meta.helm.sh/release-namespace" .context.Release.Namespace }}
{{- $_ := set $annotations "helm.sh/hook" "post-install,post-upgrade,post-rollback" }}
{{- end }}
{{- with $annotations }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/*
Not empty where something is asked for, or left to the cluster (auto) and its kind is served there.
Call with (dict "enabled" <value> "kind" "group/version/Kind" "context" $).
*/}}
{{- define "coppice.wanted" -}}
{{- $enabled := toString .enabled -}}
{{- if or (eq $enabled "true") (and (eq $enabled "auto") (.context.Capabilities.APIVersions.Has .kind)) -}}
true
{{- end -}}
{{- end }}
