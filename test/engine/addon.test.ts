function loadingFails(mock: () => unknown): unknown {
  let thrown: unknown;
  jest.isolateModules(() => {
    jest.doMock('@tensorflow/tfjs-node-gpu', mock);
    try {
      require('../../engine/tf'); // eslint-disable-line @typescript-eslint/no-require-imports
    } catch (error) {
      thrown = error;
    }
  });
  return thrown;
}

test('a missing addon is one error that says what to run, and keeps its cause', () => {
  const error = loadingFails(() => {
    throw new Error('The Node.js native addon module (tfjs_binding.node) can not be found at path: x\nmore');
  });
  expect(error).toMatchObject({
    kind: 'EngineUnavailable',
    message: expect.stringMatching(/can not be found at path: x\).*Run `npm run setup`/),
    cause: expect.objectContaining({ message: expect.stringContaining('more') }),
  });
});

test('another backend than the native one is refused, never chosen silently', () => {
  const error = loadingFails(() => ({ getBackend: () => 'cpu' }));
  expect(error).toMatchObject({
    kind: 'EngineUnavailable',
    message: expect.stringMatching(/got the tfjs backend "cpu"/),
  });
});

const native = (TF_Version: string) => ({
  getBackend: () => 'tensorflow',
  backend: () => ({ binding: { TF_Version } }),
});

test.each(['2.9.1', '2.2.1', '3.0.0'])('TensorFlow %s is refused: the addon is built for another', (version) => {
  expect(loadingFails(() => native(version))).toMatchObject({
    kind: 'EngineUnavailable',
    message: expect.stringMatching(new RegExp(`got TensorFlow ${version}, must be 2\\.21: .*npm run setup`)),
  });
});

test('control: the native backend is accepted', () => {
  expect(loadingFails(() => native('2.21.0'))).toBeUndefined();
});
