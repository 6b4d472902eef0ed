export {
  clockErrorSecondsMax,
  type DpopAlgorithm,
  type DpopClaims,
  type DpopExpectation,
  type DpopFault,
  type DpopHeader,
  dpopAlgorithms,
  dpopHeader,
  dpopNonceHeader,
  dpopProofCharactersMax,
  dpopTextCharactersMax,
  dpopTyp,
  dpopUrlCharactersMax,
  isThumbprint,
  judgeDpopClaims,
  proofAgeSecondsMax,
  proofAheadSecondsMax,
  readDpopClaims,
  readDpopHeader,
  serverAheadSecondsMax,
  splitDpopProof,
  thumbprintText,
} from './dpop.ts'
export { isCodeVerifier, isS256Challenge } from './pkce.ts'
export { type Prompt, parsePrompts, prompts } from './prompt.ts'
export {
  isLoopbackUrl,
  isSameRedirectUri,
  judgeRedirectUri,
  originOfRedirectUri,
  type RedirectUriKind,
  redirectUriCharactersMax,
} from './redirect-uri.ts'
export { isResourceIndicator, resourceCharactersMax, resourcesMax } from './resource.ts'
export { formatRetryKey, parseRetryKey, retryKeyHeader, retryKeyVersion } from './retry-key.ts'
export { isSubset, parseScope, scopeCharactersMax, scopesMax } from './scope.ts'
