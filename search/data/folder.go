package data

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// file is one labelled image of an image folder.
type file struct {
	path  string
	label int32
	order [sha256.Size]byte // of class and name; the files of a set are sorted by it
}

// openImages reads a folder with images in train/CLASS, test/CLASS and val/CLASS.
func openImages(ctx context.Context, dir string, entries []string, o Options) (*Folder, error) {
	if slices.ContainsFunc(entries, isCIFAR) {
		return nil, fmt.Errorf("data: folder %s holds both a folder train and CIFAR files, want one of "+
			"them", dir)
	}
	f := new(Folder)
	classes, train, err := listTrain(filepath.Join(dir, "train"))
	if err != nil {
		return nil, err
	}
	train, test, err := f.divide(dir, entries, classes, train)
	if err != nil {
		return nil, err
	}
	if o.TrainOnly {
		test = nil
	}
	if err := f.read(ctx, dir, classes, train, test, o); err != nil {
		return nil, err
	}
	slices.SortFunc(f.Bad, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return f, nil
}

func isCIFAR(name string) bool {
	return name == "train.bin" || strings.HasPrefix(name, "data_batch_")
}

// divide says which files test, and takes them from the training files where there are no others.
func (f *Folder) divide(dir string, entries, classes []string, train []file) (rest, test []file,
	err error) {
	var has [2]bool
	for i, part := range []string{"test", "val"} {
		has[i] = slices.Contains(entries, part) && isFolder(filepath.Join(dir, part))
	}
	f.noteOthers(dir, entries)
	switch {
	case has[0]:
		if has[1] {
			f.note("folder %s is not used: there is a test folder, and a search splits train itself",
				filepath.Join(dir, "val"))
		}
		test, err = listFiles(filepath.Join(dir, "test"), classes)
	case has[1]:
		f.note("%s has no test folder: testing on val", dir)
		test, err = listFiles(filepath.Join(dir, "val"), classes)
	default:
		train, test = holdOut(train, len(classes))
		f.note("%s has no test and no val folder: testing on a tenth of train, %d images, the same in "+
			"every run", dir, len(test))
		if len(test) == 0 {
			err = fmt.Errorf("data: %s has one image per class and no test folder: there is nothing "+
				"to test on", filepath.Join(dir, "train"))
		}
	}
	return train, test, err
}

// noteOthers tells of folders that a user may take for a part of the data.
func (f *Folder) noteOthers(dir string, entries []string) {
	parts := []string{"train", "test", "val"}
	for _, entry := range entries {
		if path := filepath.Join(dir, entry); !slices.Contains(parts, entry) && isFolder(path) {
			f.note("folder %s is not used: the folders of a data set are train, val and test", path)
		}
	}
}

func (f *Folder) note(format string, args ...any) {
	f.Notes = append(f.Notes, fmt.Sprintf(format, args...))
}

// listTrain lists the classes and the files of the folder train.
func listTrain(dir string) ([]string, []file, error) {
	names, err := list(dir)
	if err != nil {
		return nil, nil, err
	}
	var classes []string
	for _, name := range names {
		if visible(name) && isFolder(filepath.Join(dir, name)) {
			classes = append(classes, name)
		}
	}
	if len(classes) < 2 {
		return nil, nil, fmt.Errorf("data: folder %s has %d class folders, want at least 2: "+
			"train/CLASS/*.png", dir, len(classes))
	}
	files, err := listFiles(dir, classes)
	return classes, files, err
}

// listFiles lists the images of one of the parts. The folders in it have to be the classes; one
// that is missing means no images of this class.
func listFiles(dir string, classes []string) ([]file, error) {
	names, err := list(dir)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, name := range names {
		if !visible(name) || !isFolder(filepath.Join(dir, name)) {
			continue
		}
		label := slices.Index(classes, name)
		if label < 0 {
			return nil, fmt.Errorf("data: class %q of %s is none of the %d classes of train", name, dir,
				len(classes))
		}
		if files, err = listClass(files, filepath.Join(dir, name), int32(label)); err != nil {
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

// listClass appends the images of a class. Files of other kinds are passed over, as systems leave
// their own in any folder.
func listClass(files []file, dir string, label int32) ([]file, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	found, others := 0, 0
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case !visible(e.Name()):
		case e.IsDir():
			return nil, fmt.Errorf("data: %s is a folder, want images of class %q", path,
				filepath.Base(dir))
		case isImage(e.Name()):
			found++
			files = append(files, file{path, label,
				sha256.Sum256([]byte(filepath.Base(dir) + "/" + e.Name()))})
		default:
			others++
		}
	}
	if found == 0 {
		return nil, fmt.Errorf("data: class folder %s has no *.png or *.jpg (%d other files)", dir,
			others)
	}
	return files, nil
}

// visible is false for the names that systems hide, "._cat.jpg" for example.
func visible(name string) bool { return !strings.HasPrefix(name, ".") }

func isImage(name string) bool {
	return slices.Contains([]string{".png", ".jpg", ".jpeg"}, strings.ToLower(filepath.Ext(name)))
}

// holdsImages says whether a folder may be that of a class.
func holdsImages(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return visible(e.Name()) && isImage(e.Name())
	})
}

// sortByName mixes the classes: the first n files are a fair sample of all. A new file leaves the
// order of the others as it was.
func sortByName(files []file) {
	slices.SortFunc(files, func(a, b file) int { return slices.Compare(a.order[:], b.order[:]) })
}

// holdOut takes the first tenth of every class, at least one image where a class has two or more.
func holdOut(files []file, classes int) (rest, test []file) {
	count := make([]int, classes)
	for _, f := range files {
		count[f.label]++
	}
	for i, n := range count {
		count[i] = min(max(1, n/10), n-1)
	}
	for _, f := range files {
		if count[f.label] > 0 {
			count[f.label]--
			test = append(test, f)
		} else {
			rest = append(rest, f)
		}
	}
	return rest, test
}

// isBad says whether an error is one that Options.SkipBad passes over.
func isBad(err error) bool {
	var bad *BadImageError
	return errors.As(err, &bad)
}
