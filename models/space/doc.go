// Package space is the DARTS search space as plain data: primitives, cells and their edges, masks,
// architecture parameters, genotypes, and how many weights the networks have. It knows nothing of
// graphs and runtimes and uses the standard library only.
//
// Conventions. A cell has two inputs, states 0 and 1, and four nodes; node i is state i+2 and may
// read every earlier state, which makes 2+3+4+5 = 14 edges, counted node by node and source by
// source. Everything that exists per cell type is an array indexed by CellType. "Flat order" means
// edge by edge and, inside an edge, primitive by primitive, over the operations that a mask keeps.
//
// Everything that is a file carries a schema and a version, names operations (never their
// indices), is read strictly, and comes back exactly as it was written.
//
// Sources: Liu, Simonyan, Yang: DARTS (ICLR 2019); Xu et al.: PC-DARTS (ICLR 2020); Ye et al.:
// beta-DARTS (CVPR 2022); Rumiantsev, Coates: Half Search Space is All You Need.
package space
