/**
 * A client certificate as a request brought it: on our own TLS connection, or in the header of a proxy the operator
 * named. What it proves is for `oauth/` to say (RFC 8705).
 */

export interface PresentedCertificate {
  /** SHA-256 of the DER form, base64url: what `x5t#S256` holds (RFC 8705 §3.1). */
  readonly thumbprint: string
  readonly derBytes: Uint8Array
  /** True where its chain leads to the operator's client CA, proven by our listener; false where nobody looked. */
  readonly verified: boolean
  /** The attributes of the subject in the order of the certificate, each value without escapes. */
  readonly subject: readonly NameAttribute[]
  readonly subjectAltNames: readonly SubjectAltName[]
}

export interface NameAttribute {
  /** Its short name in upper case, such as `CN`, or its dotted object identifier. */
  readonly type: string
  readonly value: string
}

export interface SubjectAltName {
  readonly kind: 'dns' | 'uri' | 'ip' | 'email'
  readonly value: string
}
