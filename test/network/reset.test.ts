import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'

/** Both sides of a connection end what they say and are reset in the same moment; then the process has nothing left to do. */
const program = `
import { createServer, connect } from 'node:net'
import { once } from 'node:events'
import { reset } from '${import.meta.resolve('./reset.ts')}'
const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
await once(server, 'listening')
const near = connect({ port: server.address().port, host: '127.0.0.1', allowHalfOpen: true })
const [far] = await once(server, 'connection')
for (const socket of [near, far]) {
  socket.on('error', () => {})
  socket.write('last words')
  socket.end()
}
for (const socket of [near, far]) reset(socket)
server.close()
console.log('done')
`
/** Far longer than it takes; without the care that is taken, it never ends. */
const endMsMax = 60_000

describe('a connection that is reset while its end is being sent', () => {
  it('does not keep the process from ending', async () => {
    const words = ['--input-type=module', '--eval', program]
    const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: endMsMax, killSignal: 'SIGKILL' })
    assert.equal(stdout, 'done\n')
  })
})
