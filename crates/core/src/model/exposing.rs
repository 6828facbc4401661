//! The objects that lead browsers to a workload: Kubernetes' own, and OpenShift's Route.
