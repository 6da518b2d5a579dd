// Package cells runs a matrix of methods, data sets and seeds and compares what comes out.
//
// A cell of the matrix is a folder with a status.json, and its work is a list of phases (search,
// retrain), each of which is a run of the program as a process of its own: a crash, a kill or a lack
// of memory takes one cell and no other. A phase that is done is never done again. Cells run on this
// machine within a number of processes and an amount of memory (Schedule), or as tasks of a Slurm
// job array (Slurm); either way the status files are all that the table is made from.
package cells
