export { type Place, CustodyKeyWrong, type CustodyKey, custodyKeyBytes, custodyKeyFrom } from './custody/custody-key.ts'
export { type CustodyStore, grantNameCharactersMax, type KeptRecord, type Lease } from './custody/custody-store.ts'
export type { EndReason } from './custody/kept-grant.ts'
export { holdGrants } from './holder/hold-grants.ts'
export { type HolderClock, machineClock } from './holder/clock.ts'
export { CustodyFailed } from './holder/custody-failed.ts'
export { RefreshPostponed, RefreshRefused, SignInNeeded } from './holder/failures.ts'
export type {
  AccessToken,
  Custody,
  Fetch,
  FetchTarget,
  FreshGrant,
  GrantView,
  Holder,
  HolderEvent,
  HolderLimits,
  HolderOptions,
  RefreshOutcome,
  TokenAnswer,
  Wanted,
} from './holder/holder.ts'
export { CustodyKeyUnavailable } from './keys/custody-key-unavailable.ts'
export type { SignInWishes } from './sign-in/authorization-request.ts'
export { SignInFailed, type SignInFailure, SignInRefused, type SignInStep } from './sign-in/failures.ts'
export type { SignedIn } from './sign-in/signed-in.ts'
export { BrowserStorageFailed } from './stores/browser-storage-failed.ts'
export { CustodyExposed } from './stores/custody-exposed.ts'
export { memoryStore } from './stores/memory.ts'
