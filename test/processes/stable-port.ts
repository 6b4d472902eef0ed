/** Ports that a server keeps from one start to the next. */

import { createServer } from 'node:net'

/** The range below what systems hand out by themselves, so that no connection takes the port between two starts. */
const stablePortMin = 12_000
const stablePorts = 18_000
const portAttemptsMax = 100

/** A port that is free on both loopback addresses and that no outgoing connection will be given. */
export async function stablePort(): Promise<number> {
  for (let attempt = 0; attempt < portAttemptsMax; attempt++) {
    const port = stablePortMin + ((process.pid * 37 + portsGiven * 101) % stablePorts)
    portsGiven += 1
    if ((await isFree(port, '127.0.0.1')) && (await isFree(port, '::1'))) return port
  }
  throw new Error(`${portAttemptsMax} ports were taken`)
}

let portsGiven = 0

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
    server.listen({ port, host }, () => server.close(() => resolve(true)))
  })
}
