// What the operators are called, their inputs, outputs and attributes, as graphgen/op describes them.
#ifndef ZOS_OPERATORS_H
#define ZOS_OPERATORS_H

#include "op.h"

#define ZOS_SCALED \
  .name = "Scaled", .inputs = 4, .required_inputs = 2, .outputs = 1, .required_outputs = 1, \
  .attributes = op_nothing
#define ZOS_DOT \
  .name = "Dot", .inputs = 2, .required_inputs = 2, .outputs = 1, .required_outputs = 1, \
  .attributes = op_nothing
#define ZOS_MAX_POOL \
  .name = "MaxPool", .inputs = 1, .required_inputs = 1, .outputs = 1, .required_outputs = 1, \
  .attributes = op_window
#define ZOS_MAX_POOL_GRAD \
  .name = "MaxPoolGrad", .inputs = 4, .required_inputs = 2, .outputs = 1, .required_outputs = 1, \
  .attributes = op_window
#define ZOS_AVERAGE_POOL \
  .name = "AveragePool", .inputs = 1, .required_inputs = 1, .outputs = 1, .required_outputs = 1, \
  .attributes = op_window
#define ZOS_AVERAGE_POOL_GRAD \
  .name = "AveragePoolGrad", .inputs = 3, .required_inputs = 1, .outputs = 1, .required_outputs = 1, \
  .attributes = op_sized
#define ZOS_NORMALIZE \
  .name = "Normalize", .inputs = 5, .required_inputs = 1, .outputs = 3, .required_outputs = 1, \
  .attributes = op_nothing, .real = "epsilon"
#define ZOS_NORMALIZE_GRAD \
  .name = "NormalizeGrad", .inputs = 7, .required_inputs = 4, .outputs = 3, .required_outputs = 0, \
  .attributes = op_nothing, .real = "epsilon"
#define ZOS_RELU_CONV_NORM \
  .name = "ReluConvNorm", .inputs = 9, .required_inputs = 2, .outputs = 3, .required_outputs = 1, \
  .attributes = op_window, .real = "epsilon"
#define ZOS_RELU_CONV_NORM_GRAD \
  .name = "ReluConvNormGrad", .inputs = 10, .required_inputs = 5, .outputs = 5, .required_outputs = 0, \
  .attributes = op_window, .real = "epsilon"
// The operator of a GPU. A group has as many inputs and outputs as it needs. ONNX Runtime looks at all that it
// could have: with 4096 a session takes 30 times as long to make.
enum { group_most = 1024, group_images = 384 };
#define ZOS_GROUP \
  .name = "Group", .inputs = group_most, .required_inputs = 1, .outputs = group_most, .required_outputs = 1, \
  .attributes = op_nothing
// The first group_images inputs and outputs of this one are bfloat16, the others float.
#define ZOS_GROUP_BFLOAT16 \
  .name = "GroupBFloat16", .inputs = group_most, .required_inputs = 0, .outputs = group_most, \
  .required_outputs = 0, .attributes = op_nothing

#endif
