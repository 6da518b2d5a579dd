// Package space is a search space as plain data: operations, cells and their edges, masks,
// architecture parameters, genotypes, and how many weights the networks have. It knows nothing of
// graphs and runtimes and uses the standard library only.
//
// A space is a document (Parse, Open); those of the literature come with the package, and DARTS is the
// one that zero values belong to.
//
// Conventions. The states of a cell are its inputs, then its nodes: in DARTS states 0 and 1 are the two
// cells before, and node i is state i+2 and reads every earlier state, which makes 2+3+4+5 = 14 edges,
// counted node by node and source by source. Everything that exists per cell type is an array indexed by CellType.
// "Flat order" means edge by edge and, inside an edge, operation by operation, over those that a mask keeps.
//
// Everything that is a file carries a schema and a version, names operations (never their
// indices), is read strictly, and comes back exactly as it was written.
//
// Sources: Liu, Simonyan, Yang: DARTS (ICLR 2019); Xu et al.: PC-DARTS (ICLR 2020); Ye et al.:
// beta-DARTS (CVPR 2022); Dong, Yang: NAS-Bench-201 (ICLR 2020); Rumiantsev, Coates: Half Search Space is
// All You Need.
package space
