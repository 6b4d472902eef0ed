import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { mailsUnderWayMax, smtpMailer, transportOptions } from './smtp-mailer.ts'

interface MailServer {
  readonly url: string
  /** What clients said, line by line, with the message between. */
  readonly said: () => readonly string[]
}

/** A mail server that takes everything but what `refuses` says. */
async function openMailServer(test: TestContext, refuses: RegExp = /^never$/): Promise<MailServer> {
  const said: string[] = []
  const server = createServer(socket => {
    socket.on('error', ignore)
    socket.write('220 mail.example\r\n')
    listenTo(socket, said, refuses)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.after(() => server.close())
  return { url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`, said: () => said }
}

function listenTo(socket: Socket, said: string[], refuses: RegExp): void {
  let rest = ''
  let isMessage = false
  socket.on('data', chunk => {
    const lines = (rest + chunk.toString('utf8')).split('\r\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      said.push(line)
      if (isMessage && line !== '.') continue
      isMessage = line === 'DATA'
      socket.write(refuses.test(line) ? '550 no\r\n' : answerTo(line))
      if (line === 'QUIT') socket.end()
    }
  })
}

function answerTo(line: string): string {
  if (line === 'DATA') return '354 go on\r\n'
  return line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n'
}

/** A client that leaves is no news to a mail server. */
function ignore(): void {}

const mail = {
  to: 'ada@example.com',
  subject: 'A new password',
  text: 'Open this:\n\nhttps://id.example.com/password?token=abc\n',
}

describe('a mailer over SMTP', () => {
  it('hands over one message to one person, from the sender that was named', async test => {
    const server = await openMailServer(test)
    await smtpMailer({ url: server.url, from: 'id@example.com' }).send(mail)
    const said = server.said()
    assert.ok(said.includes('MAIL FROM:<id@example.com>'))
    assert.deepEqual(
      said.filter(line => line.startsWith('RCPT')),
      ['RCPT TO:<ada@example.com>'],
    )
    assert.ok(said.includes('Subject: A new password'))
    assert.ok(said.some(line => line.includes('https://id.example.com/password?token')))
    assert.ok(said.some(line => line.startsWith('Content-Type: text/plain')))
  })

  it('takes an address that looks like two for one', async test => {
    const server = await openMailServer(test)
    const mailer = smtpMailer({ url: server.url, from: 'id@example.com' })
    await mailer.send({ ...mail, to: 'ada@example.com, eve@evil.example' }).catch(ignore)
    const recipients = server.said().filter(line => line.startsWith('RCPT'))
    assert.ok(recipients.length <= 1, recipients.join('\n'))
    assert.ok(!recipients.includes('RCPT TO:<eve@evil.example>'))
  })

  it('says so when nobody takes the message', async test => {
    const server = await openMailServer(test, /^RCPT/)
    await assert.rejects(smtpMailer({ url: server.url, from: 'id@example.com' }).send(mail))
  })

  it('hands over so many messages at a time, refuses one more, and takes it when one has gone', async test => {
    const opened: Socket[] = []
    const silent = createServer(socket => opened.push(socket.on('error', ignore)))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    test.after(() => silent.close())
    const url = `smtp://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const mailer = smtpMailer({ url, from: 'id@example.com' })
    const waiting = Array.from({ length: mailsUnderWayMax }, () => assert.rejects(mailer.send(mail)))
    await assert.rejects(mailer.send(mail), /under way already/)
    while (opened.length < mailsUnderWayMax) await once(silent, 'connection')
    for (const socket of opened) socket.destroy()
    await Promise.all(waiting)
    const again = assert.rejects(mailer.send(mail), error => !String(error).includes('under way already'))
    const [socket] = (await once(silent, 'connection')) as [Socket]
    socket.destroy()
    await again
  })

  it('speaks to another machine over a verified line only', () => {
    const starting = transportOptions('smtp://user:p%40ss@mail.example')
    assert.deepEqual(
      [starting.port, starting.secure, starting.requireTLS, starting.ignoreTLS],
      [587, false, true, false],
    )
    assert.deepEqual('auth' in starting ? starting.auth : null, { user: 'user', pass: 'p@ss' })
    const implicit = transportOptions('smtps://mail.example:2465')
    assert.deepEqual([implicit.port, implicit.secure], [2465, true])
    assert.equal('auth' in implicit, false)
    for (const options of [starting, implicit]) assert.ok(!('tls' in options), 'nobody turns verification off')
  })
})
