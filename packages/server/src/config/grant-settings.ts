/** What holds for devices that wait and grants that branch. */

import { described, whole } from './setting-kinds.ts'

export const grantSettings = {
  deviceCodeSeconds: described(whole(30, 1800, 600), {
    unit: 'seconds',
    description: 'How long a device waits for somebody to enter its code (RFC 8628).',
  }),
  deviceIntervalSeconds: described(whole(1, 60, 5), {
    unit: 'seconds',
    description: 'How long a waiting device is to leave between two questions.',
  }),
  branchesPerGrantMax: described(whole(1, 10_000, 100), {
    unit: 'branches',
    description: 'Living branches of one grant (RFC 8693). One more is refused until another has ended.',
  }),
}
