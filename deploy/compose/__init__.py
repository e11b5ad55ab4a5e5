"""What docker-compose.yml at the root needs beside the image."""
