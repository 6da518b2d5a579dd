package settings

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"zos-ort/graphgen/pass"
	"zos-ort/models/method"
	"zos-ort/models/space"
	"zos-ort/prune/proxy"
)

// byPreset describes a default.
const byPreset = "by preset"

// methodUsage lists the methods.
func methodUsage() string {
	about := "technique:"
	for _, m := range method.All {
		about += "\n  " + m.Name + ": " + m.About
	}
	return about
}

// rankerNames lists the rankers.
func rankerNames() string {
	var names []string
	for _, p := range proxy.All {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// Groups of options. Each flag that sets part of an experiment is declared here and nowhere else.
var (
	// DeviceOptions say where programs run.
	DeviceOptions = Options{
		{"device", "cpu, cuda, cuda:N or auto (a GPU if one can be used)", "",
			func(e *Experiment) any { return &e.Device.Name }},
		{"precision", "fp32, or on a GPU tf32 (products with 10 bits of mantissa) or bf16 (activations " +
			"in half the memory)", "", func(e *Experiment) any { return &e.Device.Precision }},
		{"gpu-memory-limit", "take at most `SIZE` of the GPU's memory, such as 8GB", "all that is free",
			func(e *Experiment) any { return &e.Execution.MemoryLimit }},
		{"cudnn-search", "how to choose a GPU's convolution algorithms: exhaustive (try all of them " +
			"once), heuristic or default", "exhaustive",
			func(e *Experiment) any { return &e.Execution.CuDNNSearch }},
		{"gpu-kernels", "what computes cells on a GPU: stock (ONNX Runtime and cuDNN) or own (our fused operators: " +
			"fewer launches, not yet tried on a card)", "stock", func(e *Experiment) any { return &e.Execution.GPUKernels }},
		{"cuda-graphs", "start all kernels of a step on a GPU at once, as a CUDA graph: on or off (not yet tried on a card)",
			GraphsOff, func(e *Experiment) any { return &e.Execution.CUDAGraphs }},
	}
	// RunOptions are common to searches and retrainings.
	RunOptions = Options{
		{"preset", "standard, quick (small and fast) or paper (as published)",
			PresetStandard + ", without --data " + PresetQuick,
			func(e *Experiment) any { return &e.Preset }},
		{"seed", "seed of everything random", "", func(e *Experiment) any { return &e.Seed }},
		{"threads", "threads", "all cores", func(e *Experiment) any { return &e.Device.Threads }},
	}
	// ImageOptions say which images are read.
	ImageOptions = Options{
		{"data", "`DIR` with images as train/CLASS/*.png and others, CIFAR-10 or CIFAR-100 in binary form, or " +
			"MNIST-style idx files (default: generated images)", "", func(e *Experiment) any { return &e.Images.Folder }},
		{"train-images", "use the first `N` training images", byPreset,
			func(e *Experiment) any { return &e.Images.Train }},
		{"image-size", "scale images to `N`xN: the shorter side to N, the rest cut away",
			"their own; generated: by preset", func(e *Experiment) any { return &e.Images.Size }},
		{"on-bad-image", "an image file that cannot be read: fail, or skip to leave it out", BadFails,
			func(e *Experiment) any { return &e.Images.OnBad }},
		{"ignore-orientation", "leave images as their files have them, however the camera was held", "",
			func(e *Experiment) any { return &e.Images.IgnoreOrientation }},
	}
	// SupernetOptions are the method and its supernet.
	SupernetOptions = Options{
		{"space", "search space: " + strings.Join(space.Shipped(), ", ") + ", or a document, `FILE` (see zos-ort space)", "",
			func(e *Experiment) any { return &e.Space }},
		{"method", methodUsage(), "", func(e *Experiment) any { return &e.Method }},
		{"channels", "channels of the first supernet cells", byPreset,
			func(e *Experiment) any { return &e.Network.Channels }},
		{"cells", "cells of the supernet", byPreset, func(e *Experiment) any { return &e.Network.Cells }},
		{"partial", "mix the first 1/`N` of the channels: 4 in PC-DARTS, 1 for all of them", "by method",
			func(e *Experiment) any { return &e.Network.Partial }},
		{"dump", "save a model that the runtime refuses in `DIR`", "",
			func(e *Experiment) any { return &e.Execution.Dump }},
	}
	// PruneOptions are Algorithm 1 as the paper has it.
	PruneOptions = Options{
		{"xi", "fraction of the search space to keep, in (0,1)", "",
			func(e *Experiment) any { return &e.Ranking.Xi }},
		{"xi-measure", "what xi counts: operations, or architectures (their product, as the paper prints " +
			"it)", "", func(e *Experiment) any { return &e.Ranking.Measure }},
		{"keep-none", "do not drop the operation none before scoring", "",
			func(e *Experiment) any { return &e.Ranking.KeepNone }},
		{"keep-operations", "`OPERATIONS` that no edge loses, with commas, such as skip_connect", "",
			func(e *Experiment) any { return &e.Ranking.Keep }},
		{"prune-per-round", "operations dropped per edge and round", byPreset,
			func(e *Experiment) any { return &e.Ranking.PerRound }},
		{"kernel", "ranking kernel: correlation or gram", "",
			func(e *Experiment) any { return &e.Ranking.Kernel }},
		{"pool", "rank an operation on single edges (none, as in the paper), on all edges of a cell type " +
			"(cell) or on all edges (network)", byPreset, func(e *Experiment) any { return &e.Ranking.Pool }},
		{"settle", "end the repeats of a round when every operation that goes scores `Z` standard errors " +
			"below the next one; 0 makes all repeats", byPreset,
			func(e *Experiment) any { return &e.Ranking.Settle }},
		{"repeats", "initialisations over which scores are averaged, at most", byPreset,
			func(e *Experiment) any { return &e.Ranking.Repeats }},
		{"prune-batch", "images per ranking batch", byPreset,
			func(e *Experiment) any { return &e.Ranking.Batch }},
		{"prune-batches", "ranking batches", byPreset,
			func(e *Experiment) any { return &e.Ranking.Batches }},
	}
	// RankOptions are what the paper leaves open about the ranking of operations.
	RankOptions = Options{
		{"ties", "of equal scores, drop the first or the last operation", "",
			func(e *Experiment) any { return &e.Ranking.Ties }},
		{"rank-epochs", "train the ranking network for `N` epochs first, on half of the images; rankers look at the other half", "0; 6 with ranker loss",
			func(e *Experiment) any { return &e.Ranking.Epochs }},
		{"rank-channels", "channels of the ranking network", "those of the supernet",
			func(e *Experiment) any { return &e.Ranking.Channels }},
		{"rank-cells", "cells of the ranking network", "those of the supernet",
			func(e *Experiment) any { return &e.Ranking.Cells }},
		{"rank-partial", "mix the first 1/`N` of the ranking network's channels", "as the supernet",
			func(e *Experiment) any { return &e.Ranking.Partial }},
		{"rankers", "what ranks: " + rankerNames() + "; several with commas, weights as in nngp=1,params=.5 " +
			"(see zos-ort rank --help)", "nngp", func(e *Experiment) any { return &e.Ranking.Rankers }},
		{"combine", "several rankers: by the sum of their relative changes (change) or of their places (rank)",
			CombineChange, func(e *Experiment) any { return &e.Ranking.Combine }},
		{"rank-outputs", "outputs of the ranking network, 0 for one a class: more estimate the kernel better",
			byPreset, func(e *Experiment) any { return &e.Ranking.Outputs }},
		{"allow-ties", "go on where the scores of a round are equal or noise: what goes follows from --ties or chance",
			"", func(e *Experiment) any { return &e.Ranking.AllowTies }},
	}
	// MaskOptions give the mask.
	MaskOptions = Options{
		{"mask", "start from the mask in `FILE` instead of making one", "",
			func(e *Experiment) any { return &e.Ranking.MaskFile }},
	}
	// TrainOptions are the one-shot search and the network that it exports.
	TrainOptions = Options{
		{"epochs", "epochs of the search", byPreset, func(e *Experiment) any { return &e.Search.Epochs }},
		{"warmup", "epochs before the architecture is trained", byPreset,
			func(e *Experiment) any { return &e.Search.Warmup }},
		{"batch", "images per step, of every rank", byPreset, func(e *Experiment) any { return &e.Search.Batch }},
		{"lr", "learning rate of the weights, cosine to 0", byPreset,
			func(e *Experiment) any { return &e.Search.Rate }},
		{"scale-lr", "with N ranks, whose batches make one of N times the size: none leaves --lr as it is, linear takes N times " +
			"as much", ScaleNone, func(e *Experiment) any { return &e.Search.ScaleRate }},
		{"alpha-lr", "learning rate of the architecture parameters, 0 for one that follows from the number " +
			"of their steps", byPreset,
			func(e *Experiment) any { return &e.Search.AlphaRate }},
		{"beta-reg", "slope of the beta regulariser's weight per epoch", byPreset,
			func(e *Experiment) any { return &e.Search.Beta }},
		{"beta-form", "how the regulariser acts: decoupled (beside Adam) or coupled (in the gradient that Adam " +
			"scales, as beta-DARTS does)", byPreset, func(e *Experiment) any { return &e.Search.BetaForm }},
		{"stop-on-skips", "stop when a cell has `N` skip connections, 1 to 8, and take the epoch before",
			"off", func(e *Experiment) any { return &e.Search.StopOnSkips }},
		{"select", "choose among the genotypes of the last `K` epochs by a short training of each", "off",
			func(e *Experiment) any { return &e.Search.Select }},
		{"rivals", "train `N` random architectures for as long as what the search has found, and take one that is surely better", "off",
			func(e *Experiment) any { return &e.Search.Rivals }},
		{"select-epochs", "epochs of these trainings", "", func(e *Experiment) any { return &e.Search.SelectEpochs }},
		{"average-alphas", "derive the genotype from the mean of the alphas after the last `K` epochs", "off",
			func(e *Experiment) any { return &e.Search.Average }},
		{derivation, "what the genotype derives from: the largest alphas (alphas), or the operations without which " +
			"the trained supernet loses most accuracy (perturbation, as in DARTS-PT)", byPreset,
			func(e *Experiment) any { return &e.Search.Derive }},
		{"perturb-images", "validation images that decide then, 0 for all", byPreset,
			func(e *Experiment) any { return &e.Search.PerturbImages }},
		{"perturb-steps", "weight steps after every decision then, at most those of an epoch", byPreset,
			func(e *Experiment) any { return &e.Search.PerturbSteps }},
		{"freeze-below", "stop the training of an operation of the supernet once its gradients on training and " +
			"validation images have a mean cosine below `COS` over 20 steps (OLES)", "off",
			func(e *Experiment) any { return &e.Search.FreezeBelow }},
		{"valid-images", "validation images after every epoch", "all",
			func(e *Experiment) any { return &e.Search.ValidImages }},
	}
	// ExportOptions are the size of the network that a search exports, and that a budget limits.
	ExportOptions = Options{
		{"network-channels", "channels of the exported network", "",
			func(e *Experiment) any { return &e.Export.Channels }},
		{"network-cells", "cells of the exported network", "",
			func(e *Experiment) any { return &e.Export.Cells }},
	}
	// PadOptions augment the images of a search.
	PadOptions = Options{
		{"pad", "padding of the random crop", byPreset, func(e *Experiment) any { return &e.Search.Pad }},
	}
	// RecomputeOptions trade time for memory.
	RecomputeOptions = Options{
		{"recompute", "compute values again in the backward pass, to keep less memory: off, on (a step takes a few " +
			"percent longer), max (least memory), or auto (on, if that saves enough)", pass.RecomputeAuto.String(),
			func(e *Experiment) any { return &e.Execution.Recompute }},
	}
	// ProfileOptions look at the steps first.
	ProfileOptions = Options{
		{"profile", "profile the steps first: profile.csv, traces, and a table", "",
			func(e *Experiment) any { return &e.Execution.Profile }},
	}
	// JudgeOptions say how good the result is.
	JudgeOptions = Options{
		{"surrogate", "judge the result by the ONNX `FILE` of a NAS-Bench-301 surrogate, as zos-ort judge does", "",
			func(e *Experiment) any { return &e.Execution.Surrogate }},
		{"truth", "judge the result, and every epoch, by the CSV `FILE` of architectures that were trained, such as all of " +
			"NAS-Bench-201", "", func(e *Experiment) any { return &e.Execution.Truth }},
		{"truth-column", "accuracies of --truth", "the one of the data",
			func(e *Experiment) any { return &e.Execution.TruthColumn }},
	}
	// TrainingOptions are the retraining of a derived network.
	TrainingOptions = Options{
		{"channels", "channels of the first cells", byPreset,
			func(e *Experiment) any { return &e.Retraining.Channels }},
		{"cells", "cells", byPreset, func(e *Experiment) any { return &e.Retraining.Cells }},
		{"epochs", "epochs", byPreset, func(e *Experiment) any { return &e.Retraining.Epochs }},
		{"batch", "images per step, of every rank", byPreset, func(e *Experiment) any { return &e.Retraining.Batch }},
		{"lr", "learning rate, cosine to 0", byPreset, func(e *Experiment) any { return &e.Retraining.Rate }},
		{"scale-lr", "with N ranks, whose batches make one of N times the size: none leaves --lr as it is, linear takes N times " +
			"as much", ScaleNone, func(e *Experiment) any { return &e.Retraining.ScaleRate }},
		{"drop-path", "drop-path probability at the end", byPreset,
			func(e *Experiment) any { return &e.Retraining.DropPath }},
		{"auxiliary", "auxiliary head (images of 32x32 or more)", "",
			func(e *Experiment) any { return &e.Retraining.Auxiliary }},
		{"cutout", "side of the cutout square", byPreset,
			func(e *Experiment) any { return &e.Retraining.Cutout }},
		{"pad", "padding of the random crop", byPreset,
			func(e *Experiment) any { return &e.Retraining.Pad }},
	}
)

// HoldOutOptions keep a retraining from the test images.
var HoldOutOptions = Options{
	{"hold-out", "train on one half of the training images and test on the other; the test images are not read", "",
		func(e *Experiment) any { return &e.Images.HoldOut }},
}

// Join puts groups of options together.
func Join(groups ...Options) Options { return slices.Concat(groups...) }

// ShardOptions divide the ranking of a pruning among machines.
var ShardOptions = Options{
	{"shard", "rank part `r/N` of the first round that is not complete, and stop; see --merge", "everything",
		func(e *Experiment) any { return &e.Execution.Shard }},
}

// Options of the commands that resolve a whole experiment.
var (
	PruneCommand = Join(DeviceOptions, SupernetOptions, RunOptions, PruneOptions, RankOptions,
		ImageOptions, PadOptions, ExportOptions, BudgetOptions, JudgeOptions)
	SearchCommand = Join(PruneCommand, MaskOptions, TrainOptions, ProfileOptions, RecomputeOptions)
	GraphsCommand = Join(DeviceOptions, SupernetOptions, RunOptions, PruneOptions, ImageOptions,
		PadOptions, MaskOptions, TrainOptions.Only("batch"), RecomputeOptions)
	RetrainCommand = Join(RunOptions, TrainingOptions, ProfileOptions, RecomputeOptions, DeviceOptions,
		ImageOptions, HoldOutOptions)
)

// Report are the flags of every command that reports.
func Report() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "print the result as JSON, nothing else"},
		&cli.BoolFlag{Name: "quiet", Usage: "print errors only"},
		&cli.StringFlag{Name: "log", Usage: "also append messages, epochs and errors to `FILE`, a JSON object a line"},
	}
}

// Out is the flag of a folder to create.
func Out(command string) cli.Flag {
	return &cli.StringFlag{Name: "out", Usage: "run `DIR` to create",
		DefaultText: "runs/" + command + "/TIME"}
}

// IgnoreMemory is the flag that overrides the memory guard, its name behind a prefix.
func IgnoreMemory(prefix string) cli.Flag {
	return &cli.BoolFlag{Name: prefix + "ignore-memory", Usage: "start even if the predicted peak exceeds the free " +
		"memory"}
}
