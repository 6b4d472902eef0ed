/** Connections go round, past nodes that are gone or drained, and what is said on them arrives as it is. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Balancer, balancer } from './balancer.ts'
import { type Conversation, dial, echoServer, type EchoServer, heardBytes } from './echo-server.ts'

const names = ['a', 'b', 'c']

describe('the balancer', () => {
  it('gives each connection to the next node in turn', async test => {
    const { front, echoes } = await threeEchoes(test)
    assert.deepEqual(await whoAnswers(test, front, 7), [...'abcabca'])
    assert.deepEqual([...front.given().values()], [3, 2, 2])
    assert.deepEqual(
      echoes.map(echo => echo.conversations.length),
      [3, 2, 2],
    )
  })

  it('passes over a node that refuses a connection, and finds it again when it is back', async test => {
    const { front, echoes } = await threeEchoes(test)
    await echoes[1]!.close()
    assert.deepEqual(await whoAnswers(test, front, 6), [...'accacc'])
    await echoes[1]!.open()
    assert.deepEqual(await whoAnswers(test, front, 3), [...'abc'])
  })

  it('gives a drained node nothing new, and says when its last connection is closed', async test => {
    const { front, echoes } = await threeEchoes(test)
    const client = await dial(test, front.port)
    client.socket.write('1')
    await heardBytes(client, 2)
    let isDrained = false
    const drained = front.drain(echoes[0]!.port).then(() => {
      isDrained = true
    })
    assert.deepEqual(await whoAnswers(test, front, 4), [...'bcbb'])
    client.socket.write('2')
    assert.equal(await heardBytes(client, 4), 'a1a2', 'a connection of before was not left alone')
    assert.ok(!isDrained)
    client.socket.end()
    await drained
    front.admit(echoes[0]!.port)
    assert.ok((await whoAnswers(test, front, 3)).includes('a'))
  })

  it('ends a connection with a RST where no node takes it', async test => {
    const { front, echoes } = await threeEchoes(test)
    for (const echo of echoes) await echo.close()
    assert.equal(await (await dial(test, front.port)).ended, 'ECONNRESET')
  })

  it('passes on how either side ends', async test => {
    const { front, echoes } = await threeEchoes(test)
    const [first, its] = await joined(test, front, echoes[0]!)
    its.socket.resetAndDestroy()
    assert.equal(await first.ended, 'ECONNRESET')
    const [second, other] = await joined(test, front, echoes[1]!)
    second.socket.resetAndDestroy()
    assert.equal(await other.ended, 'end')
  })

  it('carries more than fits its buffers', async test => {
    const { front } = await threeEchoes(test)
    const client = await dial(test, front.port)
    const text = 'x'.repeat(4_000_000)
    client.socket.write(text)
    assert.ok((await heardBytes(client, text.length)).length >= text.length)
  })
})

async function threeEchoes(
  test: TestContext,
): Promise<{ readonly front: Balancer; readonly echoes: readonly EchoServer[] }> {
  const echoes = await Promise.all(names.map(name => echoServer(test, name)))
  const front = await balancer(
    test,
    echoes.map(echo => echo.port),
  )
  return { front, echoes }
}

/** Both ends of a connection on which something was said already. */
async function joined(test: TestContext, { port }: Balancer, echo: EchoServer): Promise<[Conversation, Conversation]> {
  const accepted = echo.next()
  const client = await dial(test, port)
  client.socket.write('?')
  await heardBytes(client, 2)
  return [client, await accepted]
}

/** The names of the nodes that answered so many connections, one after the other. */
async function whoAnswers(test: TestContext, { port }: Balancer, connections: number): Promise<string[]> {
  const answers: string[] = []
  for (let index = 0; index < connections; index++) {
    const client = await dial(test, port)
    client.socket.write('?')
    answers.push((await heardBytes(client, 2)).slice(0, 1))
    client.socket.end()
  }
  return answers
}
