package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// imported holds, by the hash of each archive, which images came of it.
const imported = nodeKept + "/imported"

func ctr(arguments ...string) (string, error) {
	return command("ctr", append([]string{"--address=" + nodeSocket, "--namespace=k8s.io", "--connect-timeout=5s"}, arguments...)...)
}

// image imports archives into the running node.
func image(arguments []string) error {
	if len(arguments) < 2 || arguments[0] != "import" {
		return errors.New("image: it is image import ARCHIVE...")
	}
	if _, err := images(); err != nil {
		return errors.New("image import: no node is running here; cluster up --node starts one")
	}
	for _, archive := range arguments[1:] {
		if err := importImage(archive); err != nil {
			return err
		}
	}
	return nil
}

// importImage imports an archive, unless all that came of it before is still there.
func importImage(archive string) error {
	hash, err := hashOf(archive)
	if err != nil {
		return err
	}
	record := filepath.Join(imported, hash)
	there, err := images()
	if err != nil {
		return err
	}
	if known, err := os.ReadFile(record); err == nil && includes(there, strings.Fields(string(known))) {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}

	begin := time.Now()
	output, err := ctr("images", "import", archive)
	if err != nil {
		return err
	}
	if there, err = images(); err != nil {
		return err
	}
	var names, entries []string
	for line := range strings.Lines(output) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "unpacking" {
			continue
		}
		names = append(names, words[1])
		entries = append(entries, words[1]+"="+there[words[1]])
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: no image with a name in it", archive)
	}
	say("imported %s in %.1f s", strings.Join(names, ", "), time.Since(begin).Seconds())
	if err := os.MkdirAll(imported, 0o700); err != nil {
		return err
	}
	return os.WriteFile(record, []byte(strings.Join(entries, "\n")+"\n"), 0o600)
}

func hashOf(file string) (string, error) {
	open, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer open.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, open); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", hash.Sum(nil)), nil
}

// images returns the digests of the node's images by name.
func images() (map[string]string, error) {
	output, err := ctr("images", "list")
	if err != nil {
		return nil, err
	}
	digests := map[string]string{}
	for line := range strings.Lines(output) {
		if words := strings.Fields(line); len(words) > 2 {
			digests[words[0]] = words[2]
		}
	}
	return digests, nil
}

// includes tells whether each name=digest is among the images: another archive
// may have brought another image of that name since.
func includes(images map[string]string, entries []string) bool {
	for _, entry := range entries {
		if name, digest, _ := strings.Cut(entry, "="); images[name] != digest {
			return false
		}
	}
	return len(entries) > 0
}

// removeContainers removes all containers, without their Pods' consent: the
// kubelet is gone, or not there yet.
func removeContainers() error {
	for begin := time.Now(); ; {
		output, err := ctr("containers", "list", "--quiet")
		if err != nil {
			return err
		}
		containers := strings.Fields(output)
		if len(containers) == 0 {
			return nil
		}
		// Not all have a task, and containerd itself may be about to remove one.
		ctr(append([]string{"tasks", "delete", "--force"}, containers...)...)
		_, err = ctr(append([]string{"containers", "delete"}, containers...)...)
		if err != nil && time.Since(begin) > grace {
			return err
		}
	}
}
