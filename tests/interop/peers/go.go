// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// Go's net/rpc with codec.MsgpackSpecRpc, driven by peers.py: go ADDRESS|server

package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ugorji/go/codec"
)

var handle codec.MsgpackHandle
var output sync.Mutex

func show(words ...interface{}) {
	output.Lock()
	defer output.Unlock()
	fmt.Println(words...)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fromHex(digits string) (value []interface{}, err error) {
	data, err := hex.DecodeString(digits)
	check(err)
	err = codec.NewDecoderBytes(data, &handle).Decode(&value)
	return
}

func toHex(value interface{}) string {
	var data []byte
	check(codec.NewEncoderBytes(&data, &handle).Encode(value))
	return hex.EncodeToString(data)
}

// What clients call: one parameter each, and names with a dot.
type Test struct{}

func (t *Test) Add(terms []int64, sum *int64) error {
	for _, term := range terms {
		*sum += term
	}
	return nil
}

func (t *Test) Echo(value interface{}, result *interface{}) error {
	*result = value
	return nil
}

func (t *Test) Nothing(value interface{}, result *interface{}) error {
	return nil
}

func (t *Test) Fail(text string, result *interface{}) error {
	return errors.New(text)
}

type SlowParams struct {
	_struct bool `codec:",toarray"`
	Seconds float64
	Value   interface{}
}

func (t *Test) Slow(params SlowParams, result *interface{}) error {
	time.Sleep(time.Duration(params.Seconds * float64(time.Second)))
	*result = params.Value
	return nil
}

func (t *Test) Blob(size int, result *[]byte) error {
	*result = make([]byte, size)
	for i := range *result {
		(*result)[i] = byte(i%255 + 1)
	}
	return nil
}

func (t *Test) Big(size int, result *string) error {
	*result = strings.Repeat("0123456789abcdef", size/16+1)[:size]
	return nil
}

func serve() {
	check(rpc.Register(&Test{}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	show("tcp://" + listener.Addr().String())
	for {
		connection, err := listener.Accept()
		check(err)
		go rpc.ServeCodec(codec.MsgpackSpecRpc.ServerCodec(connection, &handle))
	}
}

func report(id string, call *rpc.Call, result *interface{}) {
	<-call.Done
	var remote rpc.ServerError
	if call.Error == nil {
		show("result", id, toHex(*result))
	} else if errors.As(call.Error, &remote) {
		show("error", id, toHex(call.Error.Error()))
	} else {
		show("failed", id, call.Error)
	}
}

func drive(address string) {
	connection, err := net.Dial("tcp", strings.TrimPrefix(address, "tcp://"))
	check(err)
	client := rpc.NewClientWithCodec(codec.MsgpackSpecRpc.ClientCodec(connection, &handle))
	lines := bufio.NewReader(os.Stdin)
	show("ready")
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		// There are no notifications, so each line is a call.
		words := strings.Fields(line)
		params, err := fromHex(words[3])
		if err != nil {
			show("failed", words[1], "unreadable")
			continue
		}
		result := new(interface{})
		multiple := codec.MsgpackSpecRpcMultiArgs(params)
		go report(words[1], client.Go(words[2], multiple, result, nil), result)
	}
}

func main() {
	// Else there is no difference between text and bytes, and no order in maps.
	handle.WriteExt = true
	handle.Canonical = true
	if os.Args[1] == "server" {
		serve()
	} else {
		drive(os.Args[1])
	}
}
