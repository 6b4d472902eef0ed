export { type CutOffs, cutOffOf, noCutOffs } from './cut-offs.ts'
export {
  type Circumstances,
  type Explanation,
  explainEnd,
  explainRefusal,
  explainVerdict,
  type NextStep,
  unknownCircumstances,
  type VerdictName,
} from './explain.ts'
export { absoluteLeftSeconds, expiresAtMs, expiryOf, idleLeftSeconds } from './expiry.ts'
export {
  type Binding,
  type Branch,
  type BranchOpening,
  branchFamily,
  type ClientId,
  type End,
  type EndReason,
  endFamily,
  type Family,
  type FamilyId,
  type Grant,
  type GrantId,
  generationMax,
  type Opening,
  openFamily,
  type Redemption,
  type SessionId,
  type StepId,
  type Subject,
} from './family.ts'
export {
  type Interruption,
  type Policy,
  type Presentation,
  type Proof,
  present,
  type RefusalReason,
  type ReuseEnds,
  type Verdict,
} from './present.ts'
export {
  addressTagBytes,
  agentTagBytes,
  emptyUses,
  readUses,
  recentUsesBytes,
  recentUsesMax,
  retryKeyTagBytes,
  type Use,
} from './recent-uses.ts'
export { isWeak, weakSentence } from './weakness.ts'
