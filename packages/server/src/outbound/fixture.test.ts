/** A web server of somebody else, real and on loopback, for tests of what is sent out. */

import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface Site {
  readonly port: number
  /** `http://127.0.0.1:PORT`, or `https://rp.example:PORT`. */
  readonly origin: string
  readonly requests: readonly IncomingMessage[]
  readonly close: () => Promise<void>
}

export async function openSite(answer: RequestListener, scheme: 'http' | 'https' = 'http'): Promise<Site> {
  const requests: IncomingMessage[] = []
  const listener: RequestListener = (request, response) => {
    requests.push(request)
    answer(request, response)
  }
  const tls = { key: siteKey, cert: siteCertificate }
  const server: Server = scheme === 'http' ? createServer(listener) : createTlsServer(tls, listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    origin: scheme === 'http' ? `http://127.0.0.1:${port}` : `https://rp.example:${port}`,
    requests,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Good for `rp.example` from 2024 to 2124, trusted by nobody but these tests. */
export const siteCertificate = `-----BEGIN CERTIFICATE-----
MIIBZjCCAQugAwIBAgICEAEwCgYIKoZIzj0EAwIwFTETMBEGA1UEAwwKcnAuZXhh
bXBsZTAgFw0yNDAxMDEwMDAwMDBaGA8yMTI0MDEwMTAwMDAwMFowFTETMBEGA1UE
AwwKcnAuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDyKGNzebO4d
fe2aPw9O0TBgajYDTJ7OE7c8lm6wLUQxb7bIZauWpdr6Cy5zBr2Q/8xSwI0SIy3/
0IfybD0L3qijSTBHMBUGA1UdEQQOMAyCCnJwLmV4YW1wbGUwDwYDVR0TAQH/BAUw
AwEB/zAdBgNVHQ4EFgQU0V8XteQVStQbW1YLebFBENakCFowCgYIKoZIzj0EAwID
SQAwRgIhAJvHZoX0dC3eD73IJAq/Ruzn8UKiPqSW5Y8zCK743byMAiEAqcQ/g2mo
Ec2ofIQVrxlIYdpPY4PE9hAstRkhbrtkO0M=
-----END CERTIFICATE-----
`

const siteKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgMW8ksHUm77liixwt
wCoTiKxgTG3CVTFGY0s7xSLul5+hRANCAAQ8ihjc3mzuHX3tmj8PTtEwYGo2A0ye
zhO3PJZusC1EMW+2yGWrlqXa+gsucwa9kP/MUsCNEiMt/9CH8mw9C96o
-----END PRIVATE KEY-----
`
