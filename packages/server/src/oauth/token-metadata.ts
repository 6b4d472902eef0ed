/** What the metadata says of how tokens and answers can look (OIDC Discovery §3, RFC 9701 §7). */

import { signingAlgorithms } from '../domain/client/signing-algorithm.ts'
import { contentAlgorithms, encryptionAlgorithms, subjectTypes } from '../domain/client/token-rules.ts'

export function tokenMetadata(): { readonly [name: string]: unknown } {
  return {
    subject_types_supported: subjectTypes,
    id_token_signing_alg_values_supported: signingAlgorithms,
    ...encryptionOf('id_token'),
    userinfo_signing_alg_values_supported: signingAlgorithms,
    ...encryptionOf('userinfo'),
    introspection_signing_alg_values_supported: signingAlgorithms,
    ...encryptionOf('introspection'),
  }
}

function encryptionOf(name: string): { readonly [name: string]: unknown } {
  return {
    [`${name}_encryption_alg_values_supported`]: encryptionAlgorithms,
    [`${name}_encryption_enc_values_supported`]: contentAlgorithms,
  }
}
