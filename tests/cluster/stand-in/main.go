// Stands in for scheduler, node and kubelet: makes Pods ready, so that rollouts
// complete, by writing into their status what a kubelet would write. Nothing
// runs. See annotation for how a test makes Pods fail or wait.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "`file` with the administrator's access")
	node := flag.String("node", "stand-in", "`name` of the Node to register; DaemonSets want one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	config.QPS = -1 // no limit
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	if err := registerNode(ctx, client, *node); err != nil {
		log.Fatalf("registering the Node %s: %v", *node, err)
	}
	newStandIn(client, *node).run(ctx)
}

type standIn struct {
	client  kubernetes.Interface
	node    string
	factory informers.SharedInformerFactory
	pods    corelisters.PodLister
	queue   workqueue.TypedRateLimitingInterface[cache.ObjectName]
}

func newStandIn(client kubernetes.Interface, node string) *standIn {
	factory := informers.NewSharedInformerFactory(client, 0)
	core := factory.Core().V1()
	s := &standIn{
		client:  client,
		node:    node,
		factory: factory,
		pods:    core.Pods().Lister(),
		// A conflict is tried again soon: tests wait for it.
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](10*time.Millisecond, time.Second)),
	}
	core.Pods().Informer().AddEventHandler(onChange(func(pod *corev1.Pod) {
		s.queue.Add(cache.MetaObjectToName(pod))
	}))
	core.Namespaces().Informer().AddEventHandler(onChange(func(namespace *corev1.Namespace) {
		pods, _ := s.pods.Pods(namespace.Name).List(labels.Everything())
		for _, pod := range pods {
			s.queue.Add(cache.MetaObjectToName(pod))
		}
	}))
	return s
}

func onChange[T any](do func(T)) cache.ResourceEventHandlerFuncs {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { do(object.(T)) },
		UpdateFunc: func(_, object any) { do(object.(T)) },
	}
}

func (s *standIn) run(ctx context.Context) {
	s.factory.Start(ctx.Done())
	s.factory.WaitForCacheSync(ctx.Done())
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for s.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	s.queue.ShutDown()
	workers.Wait()
}

func (s *standIn) next(ctx context.Context) bool {
	name, shutdown := s.queue.Get()
	if shutdown {
		return false
	}
	defer s.queue.Done(name)
	err := s.sync(ctx, name)
	switch {
	case err == nil || apierrors.IsNotFound(err):
		s.queue.Forget(name)
	default:
		if !apierrors.IsConflict(err) {
			log.Printf("Pod %s: %v", name, err)
		}
		s.queue.AddRateLimited(name)
	}
	return true
}

// sync does for one Pod what scheduler and kubelet would do next.
func (s *standIn) sync(ctx context.Context, name cache.ObjectName) error {
	pod, err := s.pods.Pods(name.Namespace).Get(name.Name)
	if err != nil {
		return err
	}
	if pod.DeletionTimestamp != nil {
		return s.confirmDeletion(ctx, pod)
	}
	// Read from the server: a Namespace's annotation holds for each Pod that
	// is made after it, however late our watch is.
	namespace, err := s.client.CoreV1().Namespaces().Get(ctx, name.Namespace, metav1.GetOptions{})
	if err != nil {
		return err
	}
	behaviour := behaviour(pod, namespace)
	if !slices.Contains([]string{run, hold, crash, succeed, fail}, behaviour) {
		log.Printf("Pod %s: held, as there is no behaviour %q", name, behaviour)
	}
	pods := s.client.CoreV1().Pods(pod.Namespace)
	updated := pod.DeepCopy()
	message := annotated(pod, namespace, messageAnnotation, "")
	if !setStatus(updated, behaviour, message, metav1.Now()) || equality.Semantic.DeepEqual(pod, updated) {
		return nil
	}
	if pod.Spec.NodeName == "" {
		// An EndpointSlice lists only Pods that are bound. The status follows
		// when we see the Pod again.
		return pods.Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, UID: pod.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: s.node},
		}, metav1.CreateOptions{})
	}
	_, err = pods.UpdateStatus(ctx, updated, metav1.UpdateOptions{})
	return err
}

// confirmDeletion ends the wait for the kubelet of a bound Pod. (Others are
// deleted at once, or wait for their finalizers only.)
func (s *standIn) confirmDeletion(ctx context.Context, pod *corev1.Pod) error {
	if pod.Spec.NodeName == "" || pod.DeletionGracePeriodSeconds != nil && *pod.DeletionGracePeriodSeconds == 0 {
		return nil
	}
	options := metav1.NewDeleteOptions(0)
	options.Preconditions = metav1.NewUIDPreconditions(string(pod.UID))
	return s.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, *options)
}
