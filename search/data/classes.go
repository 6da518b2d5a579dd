package data

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// listClasses gives the classes: the folders of a part.
func (f *Folder) listClasses(dir string) ([]string, error) {
	names, err := list(dir)
	if err != nil {
		return nil, err
	}
	var classes []string
	for _, name := range names {
		if !visible(name) || !isFolder(filepath.Join(dir, name)) {
			continue
		}
		if at := classIndex(classes, name); at >= 0 {
			return nil, fmt.Errorf("data: two folders of %s have the name %q: one is %s, the other %s; rename or "+
				"join them", dir, name, unicodeForm(classes[at]), unicodeForm(name))
		}
		classes = append(classes, name)
	}
	if len(classes) < 2 && filepath.Base(dir) == "train" {
		return nil, fmt.Errorf("data: folder %s has %d class folders, want at least 2: "+
			"train/CLASS/*.png", dir, len(classes))
	}
	return classes, nil
}

// listFiles lists the images of one of the parts. The folders in it have to be the classes; one
// that is missing means no images of this class.
func (f *Folder) listFiles(dir string, classes []string) ([]file, error) {
	names, err := list(dir)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, name := range names {
		if !visible(name) || !isFolder(filepath.Join(dir, name)) {
			continue
		}
		label := classIndex(classes, name)
		if label < 0 {
			return nil, fmt.Errorf("data: class %q of %s is none of the %d classes of train", name, dir,
				len(classes))
		}
		if classes[label] != name {
			f.note("class %q is %s in train and %s in %s: taken for the same", name, unicodeForm(classes[label]),
				unicodeForm(name), dir)
		}
		if files, err = f.listClass(files, filepath.Join(dir, name), int32(label)); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("data: folder %s has no class folder: %s/CLASS/*.png", dir,
			filepath.Base(dir))
	}
	sortByName(files)
	return files, nil
}

// listClass appends the images of a class: what is named or starts like one. Systems leave files of their own
// in any folder; they are left out and told of.
func (f *Folder) listClass(files []file, dir string, label int32) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	found, others := len(files), len(f.LeftOut)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !visible(e.Name()) {
			continue
		}
		if e.IsDir() {
			return nil, fmt.Errorf("data: %s is a folder, want images of class %q", path, filepath.Base(dir))
		}
		if !isImage(e.Name()) {
			if err := sniff(path); err != nil {
				f.LeftOut = append(f.LeftOut, badImage(path, err))
				continue
			}
		}
		files = append(files, file{path, label, sha256.Sum256([]byte(filepath.Base(dir) + "/" + e.Name()))})
	}
	if len(files) == found {
		return nil, fmt.Errorf("data: class folder %s has no image (%d other files%s)", dir,
			len(f.LeftOut)-others, firstOf(f.LeftOut[others:]))
	}
	return files, nil
}

// firstOf names the first of some files and what is wrong with it.
func firstOf(bad []error) string {
	if len(bad) == 0 {
		return ""
	}
	return "; " + strings.TrimPrefix(bad[0].Error(), "data: ")
}

// visible is false for the names that systems hide, "._cat.jpg" for example.
func visible(name string) bool { return !strings.HasPrefix(name, ".") }

// holdsImages says whether a folder may be that of a class.
func holdsImages(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return visible(e.Name()) && isImage(e.Name())
	})
}
