/** The files that TLS needs, read when a listener opens and again while it is open: what was renewed counts by itself. */

import { ConfigRefused } from './config-refused.ts'
import { readSmallFile } from './read-config.ts'
import type { TlsSettings } from './tls-settings.ts'

export const tlsFileBytesMax = 1_048_576

export interface TlsFiles {
  readonly certificate: string
  readonly key: string
}

export interface CertificateFiles {
  /** Null where TLS ends elsewhere. */
  readonly tls: TlsFiles | null
  /** The certificates of those who vouch for clients, as PEM; none where nobody does. */
  readonly authorities: readonly string[]
}

/** Throws `ConfigRefused` with a sentence about the file. */
export function readCertificateFiles(settings: TlsSettings): CertificateFiles {
  return { tls: readTlsFiles(settings), authorities: readClientAuthorities(settings) }
}

function readTlsFiles({ tlsCert, tlsKey }: TlsSettings): TlsFiles | null {
  if (tlsCert === null || tlsKey === null) return null
  const certificate = readSmallFile(tlsCert, tlsFileBytesMax, '--tls-cert')
  if (pemBlocks(certificate).length === 0) throw new ConfigRefused(`${tlsCert} (--tls-cert) holds no PEM certificate.`)
  return { certificate, key: readSmallFile(tlsKey, tlsFileBytesMax, '--tls-key') }
}

function readClientAuthorities({ tlsClientCa }: TlsSettings): readonly string[] {
  if (tlsClientCa === null) return []
  const authorities = pemBlocks(readSmallFile(tlsClientCa, tlsFileBytesMax, '--tls-client-ca'))
  if (authorities.length > 0) return authorities
  throw new ConfigRefused(`${tlsClientCa} (--tls-client-ca) holds no PEM certificate.`)
}

function pemBlocks(text: string): readonly string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}
