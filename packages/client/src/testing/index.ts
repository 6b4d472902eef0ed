export { crashLottery, type CrashLotteryOptions, drawOnce } from './crash-lottery.ts'
export {
  type CrashFailure,
  crashMatrix,
  type CrashMatrixOptions,
  type CrashReport,
  type CrashRun,
  type CrashTrouble,
  crashTroubles,
} from './crash-matrix.ts'
export { CustodyDisproved, type CustodyGround, type CustodyView } from './custody-scene.ts'
export type { FamilyTruth } from './flaky-families.ts'
export type { SignedInAs } from './flaky-endpoints.ts'
export {
  type FlakyNetwork,
  flakyNetwork,
  type NetworkFault,
  networkFaults,
  type SeenRequest,
} from './flaky-network.ts'
export { flakyPolicies, type FlakyPolicy, type FlakyPolicyName } from './flaky-policy.ts'
export { type FlakyServer, flakyServer, type FlakyServerOptions, type Thief } from './flaky-server.ts'
export {
  type Effect,
  FailedOnPurpose,
  type Fate,
  fates,
  type MortalProcess,
  mortalProcess,
} from './mortal-process.ts'
export { type CustodyProof, provesCustody } from './proves-custody.ts'
export { type SeededChance, seededChance } from './seeded-chance.ts'
export { ClockStuck, type VirtualClock, virtualClock } from './virtual-clock.ts'
