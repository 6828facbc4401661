// The program in the Pods of ../self-test: each thing that a Pod is asked to
// do there is a subcommand.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(command string, arguments []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	switch command {
	case "write": // write TEXT FILE
		return os.WriteFile(arguments[1], []byte(arguments[0]), 0o644)
	case "read": // read FILE
		content, err := os.ReadFile(arguments[0])
		fmt.Print(string(content))
		return err
	case "resolve": // resolve NAME: prints its addresses
		addresses, err := net.DefaultResolver.LookupHost(ctx, arguments[0])
		fmt.Println(strings.Join(addresses, " "))
		return err
	case "get": // get URL: prints what is there
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, arguments[0], nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		_, err = io.Copy(os.Stdout, response.Body)
		return err
	case "serve": // serve FILE...: their contents, read for each request, and the Pod's name
		http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
			host, _ := os.Hostname()
			fmt.Fprintln(w, host)
			for _, file := range arguments {
				content, err := os.ReadFile(file)
				fmt.Fprintln(w, strings.TrimSpace(string(content)), err)
			}
		})
		fmt.Println("serving")
		return http.ListenAndServe(":8080", nil)
	}
	return fmt.Errorf("%s: no such command", command)
}
