/**
 * Single-use marks: what may be shown once, such as the `jti` of a DPoP proof (RFC 9449 §11.1) or of a client assertion
 * (RFC 7523 §3). A mark leaves by time alone, never because there are many: a flood of others frees no mark to be used
 * again.
 */

export interface MarkStore {
  /**
   * Takes a single-use mark: true for whoever comes first, false for everyone after, at least until `expiresAtMs` by the
   * store's time. Durable and shared by all nodes before it answers. Whoever asks must refuse what is over by itself: a
   * mark whose time has passed may be taken again.
   */
  take(use: MarkUse, value: string, expiresAtMs: number): Promise<boolean>
}

/** What is marked. Values of different uses never meet. */
export type MarkUse = 'dpop' | 'client_assertion' | 'attestation' | 'passkey'

/** A mark as it is taken: together with a step (`FamilyStep.mark`), or by itself. */
export interface Mark {
  readonly use: MarkUse
  readonly value: string
  readonly expiresAtMs: number
}
