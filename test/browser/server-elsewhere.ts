/** A Pawl process over https under a name of its own, as browsers tell sites. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ClientCertificate } from '../network/client-certificates.ts'
import { emptyDirectory, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'

export interface ServerPlace {
  readonly host: string
  readonly data: string
  readonly certificate: Pick<ClientCertificate, 'pem' | 'privateKey'>
}

/** Answers its issuer. */
export async function startServerElsewhere(
  test: TestContext,
  { host, data, certificate }: ServerPlace,
): Promise<string> {
  const files = await emptyDirectory(test)
  const [cert, key] = [join(files, 'cert.pem'), join(files, 'key.pem')]
  await writeFile(cert, certificate.pem)
  await writeFile(key, certificate.privateKey, { mode: 0o600 })
  const port = await stablePort()
  const issuer = `https://${host}:${port}`
  await startServer(test, { data, port, flags: ['--issuer', issuer, '--tls-cert', cert, '--tls-key', key] })
  return issuer
}
