export { type SignatureAlgorithm, signatureAlgorithms, usualAlgorithms } from './algorithms.ts'
export { type ApiCredentials, clientSecret, privateKeyJwt, type ShownCredentials, tlsClient } from './credentials.ts'
export { GuardMisconfigured } from './fault.ts'
export { type ApiGuard, guardApi, type GuardHealth } from './guard-api.ts'
export type { GuardOptions } from './guard-options.ts'
export { guardExpress } from './guards/guard-express.ts'
export { accessOf, guardFastify } from './guards/guard-fastify.ts'
export { guardFetch } from './guards/guard-fetch.ts'
export { guardHono, type HonoAccess } from './guards/guard-hono.ts'
export { guardNode } from './guards/guard-node.ts'
export { presentedByNode } from './guards/node.ts'
export {
  answerProtectedResource,
  protectedResourceMetadata,
  protectedResourceUrl,
  type ResourceDescription,
} from './protected-resource.ts'
export type { GuardEvent, Report } from './report.ts'
export type { RevocationHealth } from './revocation/revocation-source.ts'
export type { Presented } from './tokens/presented.ts'
export { memoryMarks, type ProofMarkOutcome, type ProofMarks } from './tokens/proof-marks.ts'
export type { Requirement } from './tokens/requirement.ts'
export {
  type Access,
  type Claims,
  type Refusal,
  type RefusalCode,
  refusalResponse,
  type Verdict,
} from './verdict.ts'
export { machineWorld, type World } from './world.ts'
