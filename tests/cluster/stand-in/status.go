package main

import (
	"fmt"
	"hash/fnv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Annotation of a Pod (so: of a Pod template) or of a Namespace for all its
// Pods; the Pod's own wins. It may be changed at any time.
const annotation = "stand-in/behaviour"

const (
	run   = "run"   // becomes ready; what a Pod without the annotation does
	hold  = "hold"  // is left as it is: a new Pod stays Pending
	crash = "crash" // CrashLoopBackOff
)

// The same for Pods of Jobs, which the other annotation says nothing about:
// a test that holds Pods that serve means those only.
const (
	jobAnnotation = "stand-in/jobs"
	// What the Pod's container leaves as its last words.
	messageAnnotation = "stand-in/message"

	succeed = "succeed" // ends well; what a Pod of a Job does without the annotation
	fail    = "fail"    // ends with exit code 1
)

func behaviour(pod *corev1.Pod, namespace *corev1.Namespace) string {
	name, byDefault := annotation, run
	if ofJob(pod) {
		name, byDefault = jobAnnotation, succeed
	}
	return annotated(pod, namespace, name, byDefault)
}

func ofJob(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "Job"
}

func annotated(pod *corev1.Pod, namespace *corev1.Namespace, name, byDefault string) string {
	if own, ok := pod.Annotations[name]; ok {
		return own
	}
	if shared, ok := namespace.Annotations[name]; ok {
		return shared
	}
	return byDefault
}

// setEnd writes what a kubelet would report of a Pod whose containers ended.
func setEnd(pod *corev1.Pod, behaviour, message string, now metav1.Time) {
	status, code, reason := &pod.Status, int32(0), "Completed"
	status.Phase, status.StartTime = corev1.PodSucceeded, &now
	if behaviour == fail {
		status.Phase, code, reason = corev1.PodFailed, 1, "Error"
	}
	for _, container := range pod.Spec.InitContainers {
		status.InitContainerStatuses = append(status.InitContainerStatuses,
			containerStatus(container, completed(now), true, 0))
	}
	for _, container := range pod.Spec.Containers {
		state := completed(now)
		state.Terminated.ExitCode, state.Terminated.Reason, state.Terminated.Message = code, reason, message
		status.ContainerStatuses = append(status.ContainerStatuses, containerStatus(container, state, false, 0))
	}
}

// setStatus writes what a kubelet would report of the Pod; it says false, and
// writes nothing, if the Pod is to be left alone.
func setStatus(pod *corev1.Pod, behaviour, message string, now metav1.Time) bool {
	status := &pod.Status
	if status.Phase == corev1.PodSucceeded || status.Phase == corev1.PodFailed {
		return false
	}
	if behaviour == succeed || behaviour == fail {
		setEnd(pod, behaviour, message, now)
		return true
	}
	if behaviour != run && behaviour != crash {
		return false
	}
	ready := behaviour == run
	status.Phase = corev1.PodRunning
	if status.StartTime == nil {
		status.StartTime = &now
	}
	// Without an address, no EndpointSlice would list the Pod.
	status.PodIP = address(pod)
	status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}

	setCondition(status, corev1.PodInitialized, true, now)
	setCondition(status, corev1.ContainersReady, ready, now)
	setCondition(status, corev1.PodReady, ready, now)

	status.InitContainerStatuses = nil
	for _, container := range pod.Spec.InitContainers {
		sidecar := container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways
		state := running(*status.StartTime)
		if !sidecar {
			state = completed(*status.StartTime)
		}
		status.InitContainerStatuses = append(status.InitContainerStatuses, containerStatus(container, state, true, 0))
	}
	status.ContainerStatuses = nil
	for _, container := range pod.Spec.Containers {
		state, restarts := running(*status.StartTime), int32(0)
		if !ready {
			state, restarts = crashing(), 5
		}
		status.ContainerStatuses = append(status.ContainerStatuses, containerStatus(container, state, ready, restarts))
	}
	return true
}

// setCondition keeps the time of the last transition, which minReadySeconds
// counts from, as long as nothing changes.
func setCondition(status *corev1.PodStatus, kind corev1.PodConditionType, value bool, now metav1.Time) {
	condition := corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now}
	if !value {
		condition.Status, condition.Reason = corev1.ConditionFalse, "ContainersNotReady"
	}
	for i, old := range status.Conditions {
		if old.Type == kind {
			if old.Status == condition.Status {
				condition.LastTransitionTime = old.LastTransitionTime
			}
			status.Conditions[i] = condition
			return
		}
	}
	status.Conditions = append(status.Conditions, condition)
}

func containerStatus(container corev1.Container, state corev1.ContainerState, ready bool, restarts int32) corev1.ContainerStatus {
	started := state.Running != nil
	return corev1.ContainerStatus{
		Name: container.Name, Image: container.Image, ImageID: container.Image,
		State: state, Ready: ready, Started: &started, RestartCount: restarts,
	}
}

func running(since metav1.Time) corev1.ContainerState {
	return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: since}}
}

func completed(at metav1.Time) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		Reason: "Completed", StartedAt: at, FinishedAt: at,
	}}
}

func crashing() corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
		Reason: "CrashLoopBackOff", Message: "back-off restarting failed container",
	}}
}

// address is one of the range for benchmarks (RFC 2544), which nobody serves,
// beside the one used for Services; the same for the Pod's whole life.
func address(pod *corev1.Pod) string {
	hash := fnv.New32a()
	hash.Write([]byte(pod.UID))
	sum := hash.Sum32()
	return fmt.Sprintf("198.19.%d.%d", sum>>8&255, sum&255)
}
