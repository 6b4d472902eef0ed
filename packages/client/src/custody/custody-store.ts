/**
 * Where grants are kept: four verbs, and no rule. What a store is given is sealed; it never sees a token. A store is
 * correct when it passes `provesCustody` of `@pawl/client/testing`.
 *
 * A record's version is drawn by whoever writes it and never used twice, also not after the record was removed. So it
 * does what a fencing number does (a writer who was overtaken writes nothing), it outlives a removal without a trace in
 * the store, and a writer whose acknowledgement was lost recognises its own write.
 */

/** A name longer than this is refused by the holder, so that every store can have it for a key. */
export const grantNameCharactersMax = 200

export interface KeptRecord {
  /** 22 base64url characters. */
  readonly version: string
  /** Sealed under the custody key: base64url and dots only. */
  readonly sealed: string
  /** The DPoP key pair, not extractable; only in a store that `keepsKeys`. */
  readonly key?: CryptoKeyPair
  /**
   * From this instant, by the clock of the store, the record counts as absent and is removed when it suits the store. Never
   * before. Without it a record stays until it is removed.
   */
  readonly expiresAtMs?: number
}

export interface CustodyStore {
  /** True of a store that keeps `CryptoKey` objects as they are (IndexedDB), so that a DPoP key need not be extractable. */
  readonly keepsKeys: boolean
  /** What was saved last, by anybody: never a copy that could be behind. */
  load(name: string): Promise<KeptRecord | null>
  /**
   * Saves `record` if what is there has the version `ifVersion`, or if nothing is there and `ifVersion` is null; both in
   * one step. Answers once it is durable. A rejection means that the outcome is unknown.
   */
  save(name: string, record: KeptRecord, ifVersion: string | null): Promise<'saved' | 'moved'>
  /**
   * The right to refresh `name`, for `seconds` by the store's own clock, or null while somebody else has it. Never waits.
   * A lease ends by `release`, by its time, and, where the store can tell, with the process or tab that took it.
   * It keeps others from asking twice; what keeps a grant whole is the compare of `save`.
   */
  lease(name: string, seconds: number): Promise<Lease | null>
  /** Removes the record if it has the version `ifVersion`. `moved` too when nothing is there. */
  remove(name: string, ifVersion: string): Promise<'removed' | 'moved'>
  /** Tells of what others save or remove, where the store can; `version` is null when it was removed. Returns the end of it. */
  watch?(listener: (name: string, version: string | null) => void): () => void
}

export interface Lease {
  /** Gives the lease back. Does nothing when it has run out and somebody else has it. */
  release(): Promise<void>
}
