// Runs a control plane, and a node if asked to, for as long as somebody needs
// them, and leaves nothing behind. Called by ../cluster, which also builds it.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func init() {
	// The kernel kills our children when the *thread* that started them ends
	// (see process.go), so all are started from this one, which never does.
	runtime.LockOSThread()
}

func main() {
	var code int
	var err error
	switch arguments := os.Args[2:]; os.Args[1] {
	case "up":
		err = up(arguments)
	case "run":
		code, err = run(arguments)
	case "janitor":
		err = janitor(arguments[0], arguments[1], arguments[2] == "node")
	case "image":
		err = image(arguments)
	default:
		err = fmt.Errorf("%s: no such command", os.Args[1])
	}
	if err != nil {
		say("%v", err)
		code = 1
	}
	os.Exit(code)
}

func say(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "cluster: "+format+"\n", values...)
}

// errStopped is why a cluster ends that was asked to.
var errStopped = errors.New("stopped before it was ready")

type options struct {
	keep, noStandIn, node bool
	qps                   int
}

func (o *options) flags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ExitOnError)
	flags.BoolVar(&o.keep, "keep", false, "leave the data, logs and audit log in the folder")
	flags.BoolVar(&o.noStandIn, "no-stand-in", false, "let Pods stay Pending")
	flags.BoolVar(&o.node, "node", false, "run Pods, on the machine's one node (as root)")
	flags.IntVar(&o.qps, "kube-api-qps", 200, "requests a second that the controllers may make (twice that in a burst)")
	return flags
}

// up keeps a cluster running in a folder until it is asked to stop.
func up(arguments []string) error {
	var o options
	flags := o.flags("up")
	untilStdinCloses := flags.Bool("until-stdin-closes", false, "end when standard input does")
	flags.Parse(arguments)
	dir := flags.Arg(0)
	if dir == "" {
		return errors.New("up: which folder?")
	}
	flags.Parse(flags.Args()[1:]) // options may follow the folder, too
	if flags.NArg() > 0 {
		return fmt.Errorf("up: what is %q?", flags.Arg(0))
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}

	ctx, stop := context.WithCancelCause(context.Background())
	signals := catchSignals()
	go func() { <-signals; stop(errStopped) }()
	if *untilStdinCloses {
		go func() { io.Copy(io.Discard, os.Stdin); stop(errStopped) }()
	}
	return withCluster(ctx, dir, false, o, func(c *cluster) error {
		fmt.Println("ready", c.kubeconfig())
		<-c.ctx.Done()
		if err := context.Cause(c.ctx); err != errStopped {
			return err
		}
		return nil
	})
}

// run gives a command a cluster of its own and returns the command's exit code.
func run(arguments []string) (code int, err error) {
	var o options
	flags := o.flags("run")
	flags.Parse(arguments)
	if flags.NArg() == 0 {
		return 0, errors.New("run: which command?")
	}
	dir, err := os.MkdirTemp("", "duo-cluster-")
	if err != nil {
		return 0, err
	}
	if o.keep {
		say("data stays in %s", dir)
	}

	ctx, stop := context.WithCancelCause(context.Background())
	signals := catchSignals()
	starting, started := context.WithCancel(ctx)
	go func() {
		select {
		case <-signals:
			stop(errStopped)
		case <-starting.Done():
		}
	}()
	err = withCluster(ctx, dir, true, o, func(c *cluster) error {
		started() // from now on signals are for the command
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		code, err = runCommand(c, flags.Args(), signals)
		return err
	})
	return code, err
}

func runCommand(c *cluster, arguments []string, signals <-chan os.Signal) (int, error) {
	for name, value := range c.environment() {
		os.Setenv(name, value)
	}
	os.Setenv("PATH", programs+string(filepath.ListSeparator)+os.Getenv("PATH"))
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := command.Start(); err != nil {
		return 0, err
	}
	ended := make(chan struct{})
	go func() { command.Wait(); close(ended) }()

	for {
		select {
		case <-ended:
			status := command.ProcessState.Sys().(syscall.WaitStatus)
			if status.Signaled() {
				return 128 + int(status.Signal()), nil
			}
			return status.ExitStatus(), nil
		case received := <-signals:
			// A Ctrl-C reaches the command without us; twice would be rude.
			if received != os.Interrupt || !inForeground() {
				command.Process.Signal(received)
			}
		case <-c.ctx.Done():
			command.Process.Signal(syscall.SIGTERM)
			select {
			case <-ended:
			case <-time.After(grace):
				command.Process.Kill()
				<-ended
			}
			return 0, context.Cause(c.ctx)
		}
	}
}

// inForeground tells whether a terminal's Ctrl-C goes to our process group.
func inForeground() bool {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer terminal.Close()
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

func catchSignals() <-chan os.Signal {
	signals := make(chan os.Signal, 8)
	// Caught even if ignored so far, as it is for background jobs of a script:
	// their cluster ends by Ctrl-C, too. A hangup may be ignored (nohup).
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
	// Nobody reading our output any more is no reason to leave things behind.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return signals
}

// withCluster starts a cluster in a folder, does something, and takes it down.
func withCluster(ctx context.Context, dir string, temporary bool, o options, do func(*cluster) error) error {
	folder, err := claim(dir, temporary, o)
	if err != nil {
		return err
	}
	begin := time.Now()
	var c *cluster
	if o.node {
		folder.node, err = claimNode(dir)
	}
	if err == nil {
		c, err = start(ctx, folder, o)
	}
	if err == nil {
		say("ready after %.1f s", time.Since(begin).Seconds())
		err = do(c)
	}
	if log := failedLog(err); log != "" {
		say("%s ends with:\n%s", log, tail(log, 20))
	}
	if c != nil {
		c.stop()
	}
	return errors.Join(err, folder.release())
}

func tail(file string, count int) string {
	open, err := os.Open(file)
	if err != nil {
		return err.Error()
	}
	defer open.Close()
	var last []string
	for lines := bufio.NewScanner(open); lines.Scan(); {
		if last = append(last, lines.Text()); len(last) > count {
			last = last[1:]
		}
	}
	return "  " + strings.Join(last, "\n  ")
}
