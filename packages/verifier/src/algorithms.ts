/** Signature algorithms a guard can be told to take: asymmetric ones alone, so that no public key is ever a MAC key (RFC 8725 §3.1). */

import { GuardMisconfigured } from './fault.ts'

export const signatureAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
] as const
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number]

/** What is taken where nothing else is said. */
export const usualAlgorithms: readonly SignatureAlgorithm[] = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256']

/** Throws `GuardMisconfigured` for an algorithm that is none of the above, or for none at all. */
export function judgeAlgorithms(algorithms: readonly string[]): readonly SignatureAlgorithm[] {
  const known = algorithms.filter(isSignatureAlgorithm)
  const stranger = algorithms.find(each => !isSignatureAlgorithm(each))
  if (stranger !== undefined) throw new GuardMisconfigured(`algorithms: ${stranger} is no asymmetric signature of ours`)
  if (known.length === 0) throw new GuardMisconfigured('algorithms: name one at least')
  return known
}

/** The algorithms a key is for by its kind: its own `alg`, where it has one, narrows them to one. */
export function algorithmsOf(jwk: { readonly [member: string]: unknown }): readonly SignatureAlgorithm[] {
  const byKind = algorithmsOfKind(jwk)
  const { alg } = jwk
  return alg === undefined ? byKind : byKind.filter(each => each === alg)
}

function algorithmsOfKind({ kty, crv, alg }: { readonly [member: string]: unknown }): readonly SignatureAlgorithm[] {
  switch (kty) {
    case 'EC':
      return curves.flatMap(([curve, algorithm]) => (curve === crv ? [algorithm] : []))
    case 'OKP':
      return crv === 'Ed25519' ? ['EdDSA', 'Ed25519'] : []
    case 'RSA':
      return signatureAlgorithms.filter(each => /^[PR]S/.test(each))
    case 'AKP':
      return signatureAlgorithms.filter(each => each.startsWith('ML-DSA') && each === alg)
    default:
      return []
  }
}

const curves = [
  ['P-256', 'ES256'],
  ['P-384', 'ES384'],
  ['P-521', 'ES512'],
] as const

function isSignatureAlgorithm(text: string): text is SignatureAlgorithm {
  return signatureAlgorithms.some(each => each === text)
}
