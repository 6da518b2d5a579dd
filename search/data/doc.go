// Package data holds the images that a search or a retraining runs on: sets read from folders
// of images, from CIFAR folders, or generated, their split, augmentation, and a loader that prepares
// batches ahead of the step that consumes them.
//
// Conventions. Images are square, three planes R, G, B of bytes (NCHW without the N). Labels are
// indices into Set.Classes. Every random choice is a function of (seed, epoch, image): nothing
// here has a generator state that a checkpoint would have to save.
package data
