/** What a client says of itself, for people to read (RFC 7591 §2). Claims, not facts: nothing is decided by them. */

export interface ClientAbout {
  readonly clientUri: string | null
  readonly logoUri: string | null
  readonly policyUri: string | null
  readonly tosUri: string | null
  readonly contacts: readonly string[]
  readonly softwareId: string | null
  readonly softwareVersion: string | null
}

export const noClientAbout: ClientAbout = {
  clientUri: null,
  logoUri: null,
  policyUri: null,
  tosUri: null,
  contacts: [],
  softwareId: null,
  softwareVersion: null,
}
