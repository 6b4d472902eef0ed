import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StoreUnavailable } from '../../domain/store.ts'
import { seededEntropy } from '../contract/fixture.test.ts'
import type { Statement } from '../sql/sql.ts'
import { connect, memoryPath } from './connection.ts'
import { patience } from './patience.ts'
import { createReader, queuedReadsMax, batchReadsMax } from './reader.ts'

function readerOnMemory() {
  const connection = connect(memoryPath)
  connection.database.exec('CREATE TABLE words (place INTEGER PRIMARY KEY, word TEXT)')
  const reader = createReader(connection, patience(seededEntropy('reader')))
  return { reader, connection }
}

function constant(value: number): Statement {
  return { text: 'SELECT $1', params: [value] }
}

const words: Statement = { text: 'SELECT word FROM words ORDER BY place', params: [] }
const nonsense: Statement = { text: 'SELECT no_such_column FROM words', params: [] }

describe('reads together', () => {
  it('answers each its own, however many are asked in one turn', async () => {
    const { reader } = readerOnMemory()
    const asked = Array.from({ length: batchReadsMax + 2 }, (_, at) => at)
    const answers = await Promise.all(asked.map(at => reader.read(constant(at))))
    assert.deepEqual(
      answers,
      asked.map(at => [[at]]),
    )
  })

  it('shows what was written after a read was asked and before it was answered to all of them alike', async () => {
    const { reader, connection } = readerOnMemory()
    const asked = [reader.read(words), reader.read(words)]
    connection.database.exec("INSERT INTO words (word) VALUES ('written')")
    assert.deepEqual(await Promise.all(asked), [[['written']], [['written']]])
  })

  it('leaves no transaction open behind it', async () => {
    const { reader, connection } = readerOnMemory()
    await Promise.all([reader.read(words), reader.read(words)])
    assert.equal(connection.database.isTransaction, false)
    connection.database.exec("INSERT INTO words (word) VALUES ('later')")
    assert.deepEqual(await reader.read(words), [['later']])
  })

  it('lets a read that is none fail alone', async () => {
    const { reader, connection } = readerOnMemory()
    const [first, second, third] = await Promise.allSettled([constant(1), nonsense, constant(3)].map(reader.read))
    assert.deepEqual(first, { status: 'fulfilled', value: [[1]] })
    assert.equal(second?.status, 'rejected')
    assert.deepEqual(third, { status: 'fulfilled', value: [[3]] })
    assert.equal(connection.database.isTransaction, false)
  })

  it('tells everyone where the database is away', async () => {
    const { reader, connection } = readerOnMemory()
    const asked = [reader.read(words), reader.read(words)]
    connection.database.close()
    for (const one of asked) await assert.rejects(one, StoreUnavailable)
  })

  it('says at once that too many wait, and answers those that do', async () => {
    const { reader } = readerOnMemory()
    const asked = Array.from({ length: queuedReadsMax }, () => reader.read(constant(1)))
    await assert.rejects(reader.read(constant(2)), StoreUnavailable)
    assert.equal((await Promise.all(asked)).length, queuedReadsMax)
    assert.deepEqual(await reader.read(constant(3)), [[3]])
  })

  it('is finished when all that was asked is answered', async () => {
    const { reader } = readerOnMemory()
    let answered = 0
    for (let at = 0; at < 300; at++) reader.read(constant(at)).then(() => answered++, assert.fail)
    await reader.finish()
    assert.equal(answered, 300)
  })
})
