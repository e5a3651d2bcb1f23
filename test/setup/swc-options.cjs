/**
 * How swc compiles for tests: the same target and module kind as the build, source maps for stack traces.
 */
module.exports.swcOptions = {
  swcrc: false,
  sourceMaps: 'inline',
  jsc: { target: 'es2022', parser: { syntax: 'typescript' }, keepClassNames: true },
  module: { type: 'commonjs' },
};
