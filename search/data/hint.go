package data

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// isPython recognises the pickled version of CIFAR-10 (data_batch_1) and of CIFAR-100 (train, test, meta).
func isPython(files []string) bool {
	hundred := slices.Contains(files, "train") && slices.Contains(files, "meta")
	return hundred || slices.Contains(files, "data_batch_1") || slices.Contains(files, "fine_label_names")
}

// unpack says what to do with an archive; nothing for another file.
func unpack(file string) string {
	for _, end := range []string{".tar.gz", ".tgz", ".tar", ".zip"} {
		if strings.HasSuffix(strings.ToLower(file), end) {
			with := "tar -xf "
			if end == ".zip" {
				with = "unzip "
			}
			return "; unpack the archive (" + with + file + ") and give the folder that comes out"
		}
	}
	return ""
}

// hint points at the folder inside, where an archive was unpacked and its parent was given, at the folder that is
// missing above the classes, and at an archive that was not unpacked.
func hint(dir string, files []string) string {
	archive := ""
	for _, file := range files {
		inner := filepath.Join(dir, file)
		if archive == "" && !isFolder(inner) {
			archive = unpack(file)
		}
		names := namesIn(inner)
		_, _, idx := findIDX(names)
		switch {
		case isPython(names) && !isFolder(filepath.Join(inner, "train")):
			return "; its folder " + file + " holds the Python version of CIFAR, want the binary version"
		case file == "cifar-10-batches-bin", file == "cifar-100-binary", slices.ContainsFunc(names, isCIFAR), idx,
			isFolder(filepath.Join(inner, "train")):
			return "; did you mean its folder " + file + "?"
		case holdsImages(inner):
			return "; the folders of the classes, such as " + file + ", belong into a folder train"
		}
	}
	return archive
}

// namesIn lists a folder; what cannot be listed has no names.
func namesIn(dir string) (names []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
