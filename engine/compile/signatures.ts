/**
 * Which attributes each op has: eager execution infers types it is not told and ignores attributes an op lacks, a graph
 * must be exact. tfjs leaves out the T of ExpandDims, for one, and gives others attributes that they do not have.
 * From the op registry of TensorFlow 2.21 (TF_GetAllOpList); to be made again when TensorFlow is upgraded.
 */
import { attribute, type Attribute } from '../native';

/**
 * One op an entry: its name, the type attribute of each input, its other attributes.
 * `T*N` is a list of N inputs of type T; `-` is an input of a fixed type, or no inputs.
 */
// prettier-ignore
const TABLE = `
Abs T;Acos T;Acosh T;Add T,T;AddN T*N;AddV2 T,T;All -,Tidx keep_dims;Any -,Tidx keep_dims;ArgMax T,Tidx output_type
ArgMin T,Tidx output_type;Asin T;Asinh T;AssignAddVariableOp -,dtype;AssignSubVariableOp -,dtype
AssignVariableOp -,dtype validate_shape;Atan T;Atan2 T,T;Atanh T;AvgPool T ksize,strides,padding,data_format
AvgPool3D T ksize,strides,padding,data_format;AvgPool3DGrad -,T ksize,strides,padding,data_format
AvgPoolGrad -,T ksize,strides,padding,data_format;BatchMatMul T,T adj_x,adj_y,grad_x,grad_y
BatchMatMulV2 T,T adj_x,adj_y,grad_x,grad_y;BatchToSpaceND T,Tblock_shape,Tcrops;BiasAdd T,T data_format
BiasAddGrad T data_format;Bincount -,-,T;BitwiseAnd T,T;BroadcastArgs T,T;BroadcastTo T,Tidx
Cast SrcT DstT,Truncate;Ceil T;ClipByValue T,T,T;Complex T,T Tout;ComplexAbs T Tout;Concat -,T*N;ConcatV2 T*N,Tidx
Conv2D T,T strides,use_cudnn_on_gpu,padding,explicit_paddings,data_format,dilations
Conv2DBackpropFilter T,-,T strides,use_cudnn_on_gpu,padding,explicit_paddings,data_format,dilations
Conv2DBackpropInput -,T,T strides,use_cudnn_on_gpu,padding,explicit_paddings,data_format,dilations
Conv3D T,T strides,padding,data_format,dilations;Conv3DBackpropFilterV2 T,-,T strides,padding,data_format,dilations
Conv3DBackpropInputV2 Tshape,T,T strides,padding,data_format,dilations;Cos T;Cosh T
CropAndResize T,-,-,- method,extrapolation_value;Cumprod T,Tidx exclusive,reverse;Cumsum T,Tidx exclusive,reverse
DenseBincount Tidx,Tidx,T binary_output;DepthToSpace T block_size,data_format
DepthwiseConv2dNative T,T strides,padding,explicit_paddings,data_format,dilations
DepthwiseConv2dNativeBackpropFilter T,-,T strides,padding,explicit_paddings,data_format,dilations
DepthwiseConv2dNativeBackpropInput -,T,T strides,padding,explicit_paddings,data_format,dilations;Diag T
Dilation2D T,T strides,rates,padding;Dilation2DBackpropFilter T,T,T strides,rates,padding
Dilation2DBackpropInput T,T,T strides,rates,padding;Einsum T*N equation;Elu T;EluGrad T,T
Equal T,T incompatible_shape_error;Erf T;Exp T;ExpandDims T,Tdim;Expm1 T;FFT Tcomplex;Fill index_type,T;Floor T
FloorDiv T,T;FloorMod T,T;FusedBatchNorm T,T,T,T,T epsilon,exponential_avg_factor,data_format,is_training
FusedBatchNormGradV3 T,T,-,U,U,U epsilon,data_format,is_training
FusedBatchNormV3 T,U,U,U,U epsilon,exponential_avg_factor,data_format,is_training
GatherNd Tparams,Tindices bad_indices_policy;GatherV2 Tparams,Tindices,Taxis batch_dims;Greater T,T
GreaterEqual T,T;IFFT Tcomplex;Identity T;Imag T Tout
ImageProjectiveTransformV3 dtype,-,-,- interpolation,fill_mode;IsFinite T;IsInf T;IsNan T;L2Loss T
LRN T depth_radius,bias,alpha,beta;LRNGrad T,T,T depth_radius,bias,alpha,beta;LeakyRelu T alpha;Less T,T
LessEqual T,T;LinSpace T,T,Tidx;Log T;Log1p T;LogSoftmax T;LogicalAnd -,-;LogicalNot -;LogicalOr -,-
LowerBound T,T out_type;MatrixBandPart T,Tindex,Tindex;Max T,Tidx keep_dims
MaxPool T ksize,strides,padding,explicit_paddings,data_format;MaxPool3D T ksize,strides,padding,data_format
MaxPool3DGrad TInput,TInput,T ksize,strides,padding,data_format
MaxPoolGrad T,T,T ksize,strides,padding,explicit_paddings,data_format
MaxPoolGradWithArgmax T,T,Targmax ksize,strides,padding,include_batch_in_index
MaxPoolWithArgmax T ksize,strides,Targmax,padding,include_batch_in_index;Maximum T,T;Mean T,Tidx keep_dims
Min T,Tidx keep_dims;Minimum T,T;MirrorPad T,Tpaddings mode;Mod T,T;Mul T,T;Multinomial T,- seed,seed2,output_dtype
Neg T;NotEqual T,T incompatible_shape_error;OneHot TI,-,T,T axis;OnesLike T;Pack T*N axis;PadV2 T,Tpaddings,T
Pow T,T;Prod T,Tidx keep_dims;Range Tidx,Tidx,Tidx;ReadVariableOp - dtype;Real T Tout;RealDiv T,T;Reciprocal T
Relu T;Relu6 T;ReluGrad T,T;Reshape T,Tshape;ResizeBilinear T,- align_corners,half_pixel_centers
ResizeBilinearGrad -,T align_corners,half_pixel_centers;ResizeNearestNeighbor T,- align_corners,half_pixel_centers
ResizeNearestNeighborGrad T,- align_corners,half_pixel_centers
ResourceApplyAdam -,-,-,T,T,T,T,T,T,T use_locking,use_nesterov;ResourceApplyGradientDescent -,T,T use_locking
ResourceApplyKerasMomentum -,-,T,T,T use_locking,use_nesterov
ResourceApplyMomentum -,-,T,T,T use_locking,use_nesterov;Reverse T,-;ReverseV2 T,Tidx;Round T;Rsqrt T;RsqrtGrad T,T
ScatterNd Tindices,T,Tindices bad_indices_policy;Select -,T,T;Selu T;Sigmoid T;SigmoidGrad T,T;Sign T;Sin T;Sinh T
Slice T,Index,Index;Softmax T;SoftmaxCrossEntropyWithLogits T,T;Softplus T;SpaceToBatchND T,Tblock_shape,Tpaddings
SparseSoftmaxCrossEntropyWithLogits T,Tlabels;SparseToDense Tindices,Tindices,T,T validate_indices
SplitV T,Tlen,- num_split;Sqrt T;Square T;SquaredDifference T,T;Squeeze T squeeze_dims
StatelessRandomNormal T,Tseed dtype;StatelessRandomUniform T,Tseed dtype
StatelessRandomUniformV2 Tshape,-,-,- dtype;StatelessTruncatedNormal T,Tseed dtype
StaticRegexReplace - pattern,rewrite,replace_global
StridedSlice T,Index,Index,Index begin_mask,end_mask,ellipsis_mask,new_axis_mask,shrink_axis_mask;Sub T,T
Sum T,Tidx keep_dims;Tan T;Tanh T;TanhGrad T,T;TensorScatterUpdate T,Tindices,T bad_indices_policy
Tile T,Tmultiples;TopK T k,sorted;TopKV2 T,Tk sorted,index_type;Transpose T,Tperm;Unique T out_idx
UniqueV2 T,Taxis out_idx;Unpack T num,axis;UnsortedSegmentSum T,Tindices,Tnumsegments;UpperBound T,T out_type
ZerosLike T;_FusedMatMul T,T,T*num_args transpose_a,transpose_b,fused_ops,epsilon,leakyrelu_alpha`;

interface Signature {
  readonly inputs: readonly { readonly type: string; readonly count: string | undefined }[];
  readonly others: readonly string[];
}

const signatures: ReadonlyMap<string, Signature> = new Map(
  TABLE.replace(/\n/g, ';')
    .split(';')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [op, inputs = '', others = ''] = entry.split(' ');
      return [op, { inputs: list(inputs).map(inputOf), others: list(others) }] as const;
    }),
);

/**
 * The op's attributes as a graph wants them: those it has, completed by the types of its inputs. An op that is not in
 * the table keeps what it was given. Attributes that start with `_` (kernel labels) belong to any op.
 * @param inputTypes TF_DataType of each input
 */
export function completeAttributes(
  op: string,
  given: readonly Attribute[],
  inputTypes: readonly number[],
): Attribute[] {
  const signature = signatures.get(op);
  if (signature === undefined) return [...given];

  const byName = new Map(given.map((one) => [one.name, one]));
  const inferred: Attribute[] = [];
  const infer = (one: Attribute): void => {
    if (byName.has(one.name)) return;
    byName.set(one.name, one);
    inferred.push(one);
  };
  const lists = signature.inputs.filter(({ count }) => count !== undefined).length;
  const single = signature.inputs.length - lists;
  let position = 0;
  for (const { type, count } of signature.inputs) {
    let length = 1;
    if (count !== undefined) {
      infer(attribute.int(count, (inputTypes.length - single) / lists));
      length = Number(byName.get(count)?.value);
    }
    if (type !== '-' && type !== '' && position < inputTypes.length) infer(attribute.type(type, inputTypes[position]));
    position += length;
  }
  const known = new Set([...signature.others, ...signature.inputs.flatMap(({ type, count }) => [type, count ?? ''])]);
  return [...given.filter(({ name }) => known.has(name) || name.startsWith('_')), ...inferred];
}

function list(names: string): string[] {
  return names === '' || names === '-' ? [] : names.split(',');
}

function inputOf(entry: string): { type: string; count: string | undefined } {
  const [type, count] = entry.split('*');
  return { type, count };
}
