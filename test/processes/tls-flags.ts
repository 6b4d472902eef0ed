/** A server on TLS that also asks for client certificates: what `pawl serve` is told for it. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ClientAuthority, clientAuthority } from '../network/client-certificates.ts'

export interface TlsGround {
  readonly flags: readonly string[]
  /** Whom clients must trust to reach the server. */
  readonly root: ClientAuthority
  /** Whose certificates the server takes for those of clients. */
  readonly vouching: ClientAuthority
}

/** Writes the files into the directory. The server is `localhost`, on two free ports. */
export async function openTlsGround(directory: string): Promise<TlsGround> {
  const [root, vouching] = [await clientAuthority('Root of the server'), await clientAuthority('Root of clients')]
  const own = await root.issue({ subject: 'CN=localhost', names: [{ type: 'dns', value: 'localhost' }] })
  const files = { '--tls-cert': own.pem, '--tls-key': own.privateKey, '--tls-client-ca': vouching.pem }
  const tls = Object.entries(files).flatMap(([flag, text]) => {
    const path = join(directory, `${flag.slice(2)}.pem`)
    writeFileSync(path, text, { mode: 0o600 })
    return [flag, path]
  })
  return { flags: [...tls, '--mtls-port', '0'], root, vouching }
}
