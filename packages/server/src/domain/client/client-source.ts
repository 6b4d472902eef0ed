/** Where a client came from that no operator added: it registered itself (RFC 7591), or it is a document it publishes. */

export type ClientSource = RegisteredSource | DocumentSource

export interface RegisteredSource {
  readonly kind: 'registered'
  /**
   * Keyed hashes of its registration access token (RFC 7592 §3): the newest first, then the one before it for as long as
   * the newest has not been used, so that an answer that got lost locks nobody out.
   */
  readonly tokenHashes: readonly string[]
  /** Who let it in: the name of an initial access token, or the issuer of a software statement. Null: nobody. */
  readonly vouchedBy: string | null
  /** It was a statement, and only another one of the same issuer changes what it said. */
  readonly byStatement: boolean
}

export interface DocumentSource {
  readonly kind: 'document'
  /** From then on the document is fetched again before the client is let to the authorization endpoint. */
  readonly freshUntilMs: number
  /** The host, where the operator named it; null where every host may publish clients. */
  readonly vouchedBy: string | null
}

/** True where an operator, or somebody the operator named, stands behind the client: then its redirect URIs are trusted. */
export function isVouchedFor({ source }: { readonly source: ClientSource | null }): boolean {
  return source === null || source.vouchedBy !== null
}
