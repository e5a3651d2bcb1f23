import { machineCheck } from '../../cli/commands/doctor';

test('a machine that set-up refuses is not called one that may do', () => {
  expect(machineCheck('linux-x64').state).toBe('ok');
  expect(machineCheck('darwin-arm64')).toMatchObject({
    state: 'fail',
    text: expect.stringMatching(/^darwin-arm64, .*must be linux-x64: set-up refuses others\. Use/),
  });
});
