import { machineCheck, programCheck } from '../../cli/commands/doctor';

test('a machine that set-up refuses is not called one that may do', () => {
  expect(machineCheck('linux-x64').state).toBe('ok');
  expect(machineCheck('darwin-arm64')).toMatchObject({
    state: 'fail',
    text: expect.stringMatching(/^darwin-arm64, .*must be linux-x64: set-up refuses others\. Use/),
  });
});

test('a server program that set-up was not to build is missed only where the local stack would need it', () => {
  expect(programCheck('temporal', null, false).state).toBe('ok');
  expect(programCheck('versitygw', null, true).state).toBe('ok');
  expect(programCheck('minio', null, true)).toMatchObject({
    state: 'fail',
    text: expect.stringMatching(/Set TEMPORAL_ADDRESS and LODESTONE_STORE, or run: npm run setup$/),
  });
  expect(programCheck('minio', '/gone/minio', false)).toMatchObject({ state: 'fail' });
});
