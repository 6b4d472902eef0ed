/** How authorization servers of this world treat refresh tokens: the kinds that a client meets, by name. */

export interface FlakyPolicy {
  readonly rotates: boolean
  /** The predecessor is answered the same again for so long; 0 never. */
  readonly graceSeconds: number
  /** What becomes of the family when an old token is presented by someone who may not repeat. */
  readonly onReuse: 'refuses' | 'revokes'
  /** `rk1` retry keys, as docs/protocol.md of Pawl has them: the same key repeats without any window. */
  readonly retryKeys: boolean
  /** A confidential client that authenticates may repeat without any window. */
  readonly clientMayRepeat: boolean
  /** Access and refresh tokens are bound to the DPoP key of the sign-in; its holder may repeat (RFC 9449 §5). */
  readonly dpop: boolean
  /** Proofs need the server's nonce (RFC 9449 §8). */
  readonly dpopNonce: boolean
  readonly accessTokenSeconds: number
  /** Told as `refresh_token_timeout`; null is never told, and never kept to. */
  readonly idleSeconds: number | null
}

const strict: FlakyPolicy = {
  rotates: true,
  graceSeconds: 0,
  onReuse: 'refuses',
  retryKeys: false,
  clientMayRepeat: false,
  dpop: false,
  dpopNonce: false,
  accessTokenSeconds: 600,
  idleSeconds: null,
}

/**
 * `no-rotation`: one token for all time. `rotation`: an old token is refused. `grace`: the last one is good for a minute
 * more. `reuse-revokes`: an old token ends the grant (RFC 9700 §4.14.2). `grace-then-revokes`: both. `retry-keys`: what
 * Pawl does for a keyed public client, without any window. `dpop` and `dpop-nonce`: bound to a key, which may repeat.
 * `confidential`: whoever authenticates as the client may repeat.
 */
export const flakyPolicies = {
  'no-rotation': { ...strict, rotates: false },
  rotation: strict,
  grace: { ...strict, graceSeconds: 60 },
  'reuse-revokes': { ...strict, onReuse: 'revokes' },
  'grace-then-revokes': { ...strict, graceSeconds: 60, onReuse: 'revokes' },
  'retry-keys': { ...strict, retryKeys: true, onReuse: 'revokes' },
  dpop: { ...strict, dpop: true },
  'dpop-nonce': { ...strict, dpop: true, dpopNonce: true },
  confidential: { ...strict, clientMayRepeat: true, onReuse: 'revokes' },
} as const satisfies { readonly [name: string]: FlakyPolicy }

export type FlakyPolicyName = keyof typeof flakyPolicies
