/**
 * Security profiles that a client may be registered to keep. What a profile asks of single requests is here; what it asks
 * of a registration, so that no request can be made that breaks it, is in `admin/client-profile-rules.ts`.
 */

export const clientProfiles = ['fapi2'] as const
/** `fapi2`: FAPI 2.0 Security Profile. */
export type ClientProfile = (typeof clientProfiles)[number]

/** FAPI 2.0 Security Profile §5.4.1: of every JWT that is made or taken. `Ed25519` is what RFC 9864 calls that EdDSA. */
export const fapi2Algorithms: readonly string[] = ['PS256', 'ES256', 'EdDSA', 'Ed25519']
/** FAPI 2.0 Security Profile §5.3.2.1, number 11. */
export const fapi2CodeSecondsMax = 60

/** Whether something may be signed with the algorithm, by the client or for it. */
export function allowsAlgorithm(profile: ClientProfile | null, algorithm: string): boolean {
  return profile !== 'fapi2' || fapi2Algorithms.includes(algorithm)
}

/** How long its codes wait, where the server's wait so long. */
export function codeSecondsFor(profile: ClientProfile | null, serverSeconds: number): number {
  return profile === 'fapi2' ? Math.min(serverSeconds, fapi2CodeSecondsMax) : serverSeconds
}

/** FAPI 2.0 Security Profile §5.3.2.1, number 8: in assertions the issuer is a text, not a list of one. */
export function wantsPlainAudience(profile: ClientProfile | null): boolean {
  return profile === 'fapi2'
}

/** FAPI 2.0 Security Profile §5.3.2.2, number 6. */
export function mustNameRedirectUri(profile: ClientProfile | null): boolean {
  return profile === 'fapi2'
}
