// Request a text message: `go run . PHONE JSON`.
package main

import (
	"context"
	"log"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(os.Getenv("KAFKA"), ",")...),
		kgo.RequiredAcks(kgo.AllISRAcks()), // idempotent by default
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // keys by murmur2, as Java places them
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	record := &kgo.Record{Topic: "outbound-messages", Key: []byte(os.Args[1]), Value: []byte(os.Args[2])}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		log.Fatal(err)
	}
}
