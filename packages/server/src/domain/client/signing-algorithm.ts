/** What we sign with. `EdDSA` is Ed25519, under the name that OpenID clients register. */
export const signingAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA', 'ML-DSA-44', 'ML-DSA-65'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]
