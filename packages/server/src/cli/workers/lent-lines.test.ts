import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { logBytesWaitingMax } from '../../http/access-log.ts'
import { lentLines, linesMemory, takeLine } from './lent-lines.ts'

describe('lines of a worker', () => {
  it('wait for the main thread up to a limit, are dropped beyond it, and flow again once it has taken some', () => {
    const memory = linesMemory()
    const underWay: string[] = []
    const lent = lentLines(memory, message => {
      assert.ok(message.kind === 'log')
      underWay.push(message.line)
    })
    const line = `${'x'.repeat(1023)}\n`
    for (let index = 0; index < 2 * (logBytesWaitingMax / line.length); index++) lent.write(line)
    assert.equal(underWay.length, logBytesWaitingMax / line.length)

    const written: string[] = []
    takeLine(memory, underWay[0] ?? '', { write: text => written.push(text) })
    lent.write('one more\n')
    lent.write(line)
    assert.deepEqual(written, [line])
    assert.equal(underWay.at(-1), 'one more\n')
    assert.equal(underWay.length, logBytesWaitingMax / line.length + 1)
  })
})
