/** One server in one process, or the same server in several that share a port (`node:cluster`). */

import cluster from 'node:cluster'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Service {
  readonly server: Server
  readonly close: () => Promise<void> | void
}

/**
 * Serves on a free port of loopback, prints the ready line once every process listens, and ends cleanly at SIGTERM.
 * The number of processes comes in `BENCH_PROCESSES`; without it there is one.
 */
export async function serveInProcesses(open: () => Promise<Service> | Service): Promise<void> {
  const processes = Number(process.env['BENCH_PROCESSES'] ?? 1)
  if (processes > 1 && cluster.isPrimary) return lead(processes)
  const { server, close } = await open()
  server.listen(0, '127.0.0.1', () => {
    if (cluster.isPrimary) announce((server.address() as AddressInfo).port)
  })
  // One that was led ends when its leader lets go of it, and its connections with it.
  process.once(cluster.isPrimary ? 'SIGTERM' : 'disconnect', () => {
    server.close(() => void close())
    server.closeIdleConnections()
  })
}

/** All workers share one port: the leader opens it with the first, and hands connections out in turn. */
function lead(processes: number): void {
  let listening = 0
  cluster.on('listening', (_worker, address) => {
    listening++
    if (listening === processes) announce(address.port)
  })
  for (let at = 0; at < processes; at++) cluster.fork()
  process.once('SIGTERM', () => cluster.disconnect(() => process.exit(0)))
}

function announce(port: number): void {
  console.log(JSON.stringify({ event: 'ready', issuer: `http://127.0.0.1:${port}` }))
}
